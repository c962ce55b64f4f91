//! The work on an upload, in a task of its own: no request waits for it, so none
//! can time out, and a browser that goes away stops nothing.

use std::{collections::HashMap, sync::Arc};

use bulk_sync::{Fingerprint, SyncPlan};

use crate::{
    Service,
    entity::employee,
    error::Problem,
    import::{Source, check_confirmed, desired_id},
    upload::{Planned, Progress, Stage, Upload},
};

/// Finds out what the file would do.
pub fn plan(service: &Service, upload: &Arc<Upload>) {
    start(service, upload, None);
}

/// Carries out the plan that was confirmed.
pub fn apply(service: &Service, upload: &Arc<Upload>, confirmed: Fingerprint) {
    start(service, upload, Some(confirmed));
}

fn start(service: &Service, upload: &Arc<Upload>, confirmed: Option<Fingerprint>) {
    let job = Job { service: service.clone(), upload: Arc::clone(upload) };
    let upload = Arc::clone(upload);
    let work = tokio::spawn(async move { job.run(confirmed).await });
    tokio::spawn(async move {
        // a task that panicked must not look as if it went on for ever
        let outcome = work.await.unwrap_or(Err(Problem::Internal));
        upload.settle(outcome.unwrap_or_else(Stage::Failed));
    });
}

struct Job {
    service: Service,
    upload: Arc<Upload>,
}

impl Job {
    async fn run(&self, confirmed: Option<Fingerprint>) -> Result<Stage, Problem> {
        let Some(confirmed) = confirmed else { return self.plan(false).await };
        match self.apply(confirmed).await {
            Err(Problem::Stale) => self.plan(true).await,
            outcome => outcome,
        }
    }

    async fn plan(&self, is_stale: bool) -> Result<Stage, Problem> {
        let employees = self.read().await?;
        let company = self.source().company(&self.service.db).await?;
        let plan = self.compare(employees.clone()).await?;
        let mut employees: HashMap<_, _> =
            employees.into_iter().map(|model| (model.external_id.clone(), model)).collect();
        let changed = plan.updated().map(|row| employees.remove(desired_id(&row)?)).collect();
        Ok(Stage::Planned(Arc::new(Planned {
            company,
            summary: plan.summary(),
            fingerprint: plan.fingerprint(),
            changed,
            max_delete_share: self.service.config.max_delete_share,
            refusal: plan.guard().err().map(Problem::from),
            is_stale,
            plan,
        })))
    }

    /// Compares once more: what is applied is the plan that was seen, or nothing.
    async fn apply(&self, confirmed: Fingerprint) -> Result<Stage, Problem> {
        let employees = self.read().await?;
        let plan = self.compare(employees).await?;
        check_confirmed(&plan, confirmed)?;
        let counts = plan.summary();
        let rows = counts.created + counts.updated + counts.deleted;
        self.upload.progress(Progress::Apply { rows });
        let result = self.source().apply(plan, &self.service.db).await?;
        Ok(Stage::Applied(result))
    }

    async fn compare(
        &self,
        employees: Vec<employee::Model>,
    ) -> Result<SyncPlan<employee::Entity>, Problem> {
        // the upload keeps the plan, so that the plan must not keep the upload
        let upload = Arc::downgrade(&self.upload);
        let on_progress = move |progress| {
            if let Some(upload) = upload.upgrade() {
                upload.progress(Progress::Sync(progress));
            }
        };
        Ok(self.source().compare(employees, on_progress, &self.service.db).await?)
    }

    /// The file is parsed on a thread that may block.
    async fn read(&self) -> Result<Vec<employee::Model>, Problem> {
        let upload = Arc::clone(&self.upload);
        let employees = tokio::task::spawn_blocking(move || upload.read()).await;
        let employees = employees.map_err(std::io::Error::from)??;
        self.upload.progress(Progress::Compare { employees: employees.len() as u64 });
        Ok(employees)
    }

    fn source(&self) -> Source<'_> {
        self.service.source(self.upload.company_id, &self.upload.file_name)
    }
}
