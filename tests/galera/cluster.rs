//! A database that all nodes of a Galera cluster have.

use std::{fs, process::Command, time::Duration};

use bulk_sync_tests::database::{execute, sibling};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    QueryOrder, Schema, Statement,
};

/// The variable with the URLs of the nodes, separated by commas.
pub const VARIABLE: &str = "BULK_SYNC_GALERA_URLS";

/// Why a test failed before it came to its point.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The name of the database.
const DATABASE: &str = "bulk_sync_galera";

/// How long a cluster may take to become whole again.
const PATIENCE: Duration = Duration::from_mins(3);

/// The nodes, with a database of its own for a test.
pub struct Cluster {
    urls: Vec<String>,
    /// A pool of connections to each node.
    pub nodes: Vec<DatabaseConnection>,
}

impl Cluster {
    /// Creates the database.
    pub async fn create() -> Result<Self, Failure> {
        let servers = std::env::var(VARIABLE)?;
        let servers: Vec<&str> = servers.split(',').collect();
        for what in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            execute(servers[0], &format!("{what} {DATABASE}")).await?;
        }
        let mut cluster = Self { urls: Vec::new(), nodes: Vec::new() };
        for server in servers {
            connect_up_to_date(server).await?.close().await?;
            let url = sibling(server, DATABASE);
            let mut options = ConnectOptions::new(&url);
            options.max_connections(8).sqlx_logging(false);
            cluster.nodes.push(Database::connect(options).await?);
            cluster.urls.push(url);
        }
        Ok(cluster)
    }

    /// Creates the table of an entity on all nodes.
    pub async fn create_table<E: EntityTrait>(&self, entity: E) -> Result<(), DbErr> {
        let table = Schema::new(DbBackend::MySql).create_table_from_entity(entity);
        self.nodes[0].execute(&table).await?;
        self.up_to_date().await
    }

    /// Waits until all nodes have what was committed before on any of them.
    pub async fn up_to_date(&self) -> Result<(), DbErr> {
        for url in &self.urls {
            connect_up_to_date(url).await?.close().await?;
        }
        Ok(())
    }

    /// The rows of a table, on which all nodes must agree.
    pub async fn rows<E>(&self, order: E::Column) -> Result<Vec<E::Model>, Failure>
    where
        E: EntityTrait,
        E::Model: PartialEq,
    {
        self.rows_without::<E>(order, self.nodes.len()).await
    }

    /// As [`rows`](Self::rows), where this node does not answer.
    pub async fn rows_without<E>(
        &self,
        order: E::Column,
        absent: usize,
    ) -> Result<Vec<E::Model>, Failure>
    where
        E: EntityTrait,
        E::Model: PartialEq,
    {
        let mut agreed = None;
        for (number, url) in self.urls.iter().enumerate() {
            if number == absent {
                continue;
            }
            let node = connect_up_to_date(url).await?;
            let rows = E::find().order_by_asc(order).all(&node).await?;
            node.close().await?;
            match &agreed {
                None => agreed = Some(rows),
                Some(agreed) if *agreed == rows => {}
                Some(agreed) => {
                    return Err(format!("node {number} has {rows:?}, others {agreed:?}").into());
                }
            }
        }
        agreed.ok_or_else(|| "no node answers".into())
    }

    /// The process of a node, which runs on this machine.
    pub async fn process(&self, node: usize) -> Result<String, Failure> {
        Ok(fs::read_to_string(self.value(node, "SELECT @@pid_file").await?)?.trim().to_owned())
    }

    /// Waits until all nodes have joined again.
    pub async fn whole(&self) -> Result<(), Failure> {
        let all_joined = async {
            for node in 0..self.nodes.len() {
                while self.state(node).await.as_deref().ok() != Some("3 Synced") {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        };
        Ok(tokio::time::timeout(PATIENCE, all_joined).await?)
    }

    /// The size of the cluster that the node is in, and the state of the node.
    async fn state(&self, node: usize) -> Result<String, DbErr> {
        let sql = "SELECT GROUP_CONCAT(variable_value ORDER BY variable_name SEPARATOR ' ') \
                   FROM information_schema.global_status \
                   WHERE variable_name IN ('wsrep_cluster_size', 'wsrep_local_state_comment')";
        self.value(node, sql).await
    }

    async fn value(&self, node: usize, sql: &str) -> Result<String, DbErr> {
        let statement = Statement::from_string(DbBackend::MySql, sql);
        let row = self.nodes[node].query_one_raw(statement).await?;
        row.ok_or_else(|| DbErr::RecordNotFound(sql.into()))?.try_get_by_index(0)
    }

    /// Removes the database.
    pub async fn close(self) -> Result<(), DbErr> {
        for node in self.nodes {
            node.close().await?;
        }
        execute(&self.urls[0], &format!("DROP DATABASE {DATABASE}")).await
    }
}

/// Ends a process as nothing that it could refuse or clean up after.
pub fn kill(process: &str) -> Result<(), Failure> {
    let status = Command::new("kill").args(["-KILL", process]).status()?;
    if status.success() { Ok(()) } else { Err(format!("kill: {status}").into()) }
}

/// One connection to a node, once the node has what was committed before on any.
async fn connect_up_to_date(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let node = Database::connect(options).await?;
    node.execute_unprepared("SET SESSION wsrep_sync_wait = 7").await?;
    node.execute_unprepared("SELECT 1").await?;
    Ok(node)
}
