//! Files that were uploaded and wait for somebody to confirm them. They are kept
//! in memory and on disk, not in the database: a restart forgets them, and has
//! changed nothing.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bulk_sync::{Fingerprint, SyncPlan, SyncResult};
use tokio::sync::watch;

use crate::{
    csv_file,
    entity::{company, employee},
    error::Problem,
    random,
};

/// How many uploads are kept; the oldest go first.
const KEPT: usize = 50;

/// A file for a company, and what has become of it.
pub struct Upload {
    /// The name in the address of its page.
    pub id: String,
    /// The company whose employees the file has.
    pub company_id: i32,
    /// The name of the file, as the browser gave it.
    pub file_name: String,
    file: Mutex<File>,
    stage: watch::Sender<Stage>,
}

/// Where an upload stands.
#[derive(Clone)]
pub enum Stage {
    /// It is being worked on.
    Running(Progress),
    /// A person has to look at it.
    Planned(Arc<Planned>),
    /// The table is as the file is.
    Applied(SyncResult),
    /// It cannot go on; nothing was changed.
    Failed(Problem),
}

/// How far the work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The rows that this phase has done.
    pub done: u64,
    /// The rows that it has to do, where that is known.
    pub expected: Option<u64>,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The lines of the file.
    Reading,
    /// The file with the table.
    Comparing,
    /// What the plan says.
    Applying,
}

/// A plan to look at.
pub struct Planned {
    /// The company.
    pub company: company::Model,
    /// What would be done.
    pub plan: SyncPlan<employee::Entity>,
    /// The counts of the plan.
    pub summary: SyncResult,
    /// What a person confirms.
    pub fingerprint: Fingerprint,
    /// The employees to change as the file has them, by their external ids.
    pub changed: HashMap<String, employee::Model>,
    /// The share of the employees that it may delete.
    pub max_delete_share: f64,
    /// Which guard would stop it.
    pub refusal: Option<Problem>,
    /// Whether it takes the place of a plan that was confirmed.
    pub is_stale: bool,
}

impl Upload {
    /// Where it stands now.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    /// Tells how far the work has come.
    pub fn progress(&self, phase: Phase, done: u64, expected: Option<u64>) {
        self.stage.send_replace(Stage::Running(Progress { phase, done, expected }));
    }

    /// Ends the work.
    pub fn settle(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Begins work, unless some is being done already: the button was pressed
    /// twice. `may` tells from the stage whether the work makes sense.
    pub fn begin(&self, may: impl FnOnce(&Stage) -> bool) -> bool {
        let first = Progress { phase: Phase::Reading, done: 0, expected: None };
        self.stage.send_if_modified(|stage| {
            let begins = may(stage);
            if begins {
                *stage = Stage::Running(first);
            }
            begins
        })
    }

    /// Waits for the work to end, but not for long: a small file needs no page
    /// that shows progress.
    pub async fn settled(&self, longest: Duration) {
        let mut stage = self.stage.subscribe();
        let is_settled = stage.wait_for(|stage| !matches!(stage, Stage::Running(_)));
        // a page that shows progress is right for each outcome
        let _ = tokio::time::timeout(longest, is_settled).await;
    }

    /// The employees of the file. Blocks.
    ///
    /// # Errors
    ///
    /// Those of [`csv_file::read`].
    pub fn read(&self) -> Result<Vec<employee::Model>, csv_file::ReadError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        csv_file::read_from_start(&mut *file, self.company_id, |line| {
            if line % 1_000 == 0 {
                self.progress(Phase::Reading, line, None);
            }
        })
    }
}

/// All uploads that are kept.
#[derive(Default)]
pub struct Uploads(Mutex<VecDeque<Arc<Upload>>>);

impl Uploads {
    /// Keeps a file that has arrived.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn add(
        &self,
        company_id: i32,
        file_name: String,
        file: File,
    ) -> Result<Arc<Upload>, Problem> {
        let stage = Stage::Running(Progress { phase: Phase::Reading, done: 0, expected: None });
        let upload = Arc::new(Upload {
            id: random::digits()?,
            company_id,
            file_name,
            file: Mutex::new(file),
            stage: watch::Sender::new(stage),
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::clone(&upload));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(upload)
    }

    /// The upload of a company with this id.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub fn find(&self, company_id: i32, id: &str) -> Result<Arc<Upload>, Problem> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let upload = kept.iter().find(|upload| upload.company_id == company_id && upload.id == id);
        upload.cloned().ok_or(Problem::NotFound(
            "This upload is not kept any more. Upload the file again; the list of past imports \
             tells whether it was applied.",
        ))
    }
}
