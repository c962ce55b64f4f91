//! What there is to do.

/// How the models differ from the rows in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    Unchanged,
    OnePercent,
    Mixed,
    AllChanged,
    AllNew,
    AllGone,
}

impl Scenario {
    pub const ALL: [Self; 6] = [
        Self::Unchanged,
        Self::OnePercent,
        Self::Mixed,
        Self::AllChanged,
        Self::AllNew,
        Self::AllGone,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::OnePercent => "one-percent",
            Self::Mixed => "mixed",
            Self::AllChanged => "all-changed",
            Self::AllNew => "all-new",
            Self::AllGone => "all-gone",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Unchanged => "nothing changed",
            Self::OnePercent => "1 % changed",
            Self::Mixed => "10 % updated, 5 % new, 5 % gone",
            Self::AllChanged => "all changed",
            Self::AllNew => "all new",
            Self::AllGone => "all gone",
        }
    }
}
