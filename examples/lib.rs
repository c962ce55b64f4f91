//! Examples of bulk-sync; see the files beside this one.
