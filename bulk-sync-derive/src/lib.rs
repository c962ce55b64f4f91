//! Internal to [bulk-sync](https://docs.rs/bulk-sync): use the derive through
//! that crate, where it is documented.

mod ast;
mod attr;
mod check;
mod error;
mod expand;
mod schema;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `bulk_sync::SyncKey` for a Model; documented at its re-export.
#[proc_macro_derive(SyncKey, attributes(sync))]
pub fn derive_sync_key(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input).into()
}
