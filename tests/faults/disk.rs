//! A disk that is full. It is a file system in memory that this test mounts,
//! which takes root, and a server on this machine that runs as `postgres`.

use std::{
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use bulk_sync::prelude::*;
use bulk_sync_tests::{
    entity::employee,
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::entity::prelude::*;

use crate::fixture::{
    Failure, Table, bounded, chain, connect, employees, ensure, settled, table, with_employees,
    works,
};

pub const TESTS: [Test; 1] = tests![a_full_disk_is_an_error];

/// A file system of 2 MiB.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(name: &str) -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        let disk = Self { path };
        let owner = Command::new("id").args(["-u", "postgres"]).output()?;
        let owner = String::from_utf8(owner.stdout)?;
        let options = format!("size=2m,mode=700,uid={}", owner.trim());
        disk.run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"])?;
        Ok(disk)
    }

    fn grow(&self) -> Result<(), Failure> {
        self.run("mount", &["-o", "remount,size=64m"])
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Result<(), Failure> {
        let status = Command::new(command).args(arguments).arg(&self.path).status()?;
        if status.success() { Ok(()) } else { Err(format!("{command}: {status}").into()) }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // what cannot be removed stays for people to look at
        let _ = self.run("umount", &[]);
        let _ = std::fs::remove_dir(&self.path);
    }
}

/// Whether this test can mount what it needs.
pub fn can_be_mounted() -> bool {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut server = Command::new("id");
    let has_server = server.arg("postgres").stdout(Stdio::null()).stderr(Stdio::null()).status();
    is_root
        && has_server.is_ok_and(|status| status.success())
        && Disk::mount(&format!("bulk_sync_trial_{}", std::process::id())).is_ok()
}

async fn a_full_disk_is_an_error(db: Db) -> TestResult {
    let name = format!("bulk_sync_disk_{}", std::process::id());
    let disk = Disk::mount(&name)?;
    let create = format!("CREATE TABLESPACE {name} LOCATION '{}'", disk.path.display());
    db.pool.execute_unprepared(&create).await?;
    let tested = on_a_full_disk(&db, &name, &disk).await;
    db.pool.execute_unprepared("DROP TABLE employee").await?;
    db.pool.execute_unprepared(&format!("DROP TABLESPACE {name}")).await?;
    tested
}

async fn on_a_full_disk(db: &Db, tablespace: &str, disk: &Disk) -> TestResult {
    with_employees(db).await?;
    let move_there = format!("ALTER TABLE employee SET TABLESPACE {tablespace}");
    db.pool.execute_unprepared(&move_there).await?;
    let pool = connect(&db.url, 1).await?;
    let scope = || employee::Column::CompanyId.eq(501);
    let many = || employee::Entity::bulk_sync(employees(0..40_000), scope(), None);
    let error = bounded(many().exec(&pool)).await?.err().ok_or("the sync was done")?;
    let text = chain(&error);
    ensure(text.contains("employee") && text.contains("No space left on device"), text)?;
    let table = table(db).await?;
    ensure(table == Table::Before, format!("{table:?}"))?;
    settled(db, &pool).await?;
    disk.grow()?;
    works(db, &pool).await
}
