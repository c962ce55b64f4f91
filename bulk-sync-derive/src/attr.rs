//! Reads `#[sync(…)]`, on the struct and on its fields.
//!
//! What is read here is only well formed: whether the names exist and the
//! words go together is for the check.

use proc_macro2::{Span, TokenTree};
use syn::{
    Attribute, ExprPath, Ident, LitStr, Meta, MetaList, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token::Paren,
};

use crate::{error::Errors, schema::skip_to_comma};

/// A word that gives a column a role; a column without one is compared and updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `key`, in the container form `keys`.
    Key,
    /// `ignore`.
    Ignore,
    /// `touch`.
    Touch,
}

impl Role {
    const ALL: [Self; 3] = [Self::Key, Self::Ignore, Self::Touch];

    /// The word on a field.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Ignore => "ignore",
            Self::Touch => "touch",
        }
    }

    /// The word on the struct.
    pub fn list_word(self) -> &'static str {
        match self {
            Self::Key => "keys",
            Self::Ignore | Self::Touch => self.word(),
        }
    }
}

/// What `#[sync(…)]` says on the struct.
#[derive(Default)]
pub struct OnStruct {
    /// The path of the crate, where it is not `::bulk_sync`.
    pub krate: Option<Path>,
    /// The fields named in the lists.
    pub named: Vec<(Role, Ident)>,
    /// Whether there is a list of keys, be it empty or faulty.
    pub lists_keys: bool,
}

/// What `#[sync(…)]` says on a field.
#[derive(Default)]
pub struct OnField {
    /// The roles, each with its word.
    pub roles: Vec<(Role, Ident)>,
    /// The word `with`, and the function that compares.
    pub with: Option<(Ident, ExprPath)>,
}

const STRUCT_TAKES: &str = "the struct takes `keys(…)`, `ignore(…)`, `touch(…)`, each with names of fields, and `crate = \"…\"`";
const FIELD_TAKES: &str = "a field takes `key`, `ignore`, `touch` or `with = \"…\"`";

impl OnStruct {
    /// Reads the attributes of the struct.
    pub fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut read = Self::default();
        for_each_word(attrs, STRUCT_TAKES, errors, |word, input, errors| {
            read.word(word, input, errors)
        });
        read
    }

    fn word(
        &mut self,
        word: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        if let Some(role) = Role::ALL.into_iter().find(|role| *word == role.list_word()) {
            self.lists_keys |= role == Role::Key;
            return self.list(role, word, input, errors);
        }
        match word.to_string().as_str() {
            "crate" => {
                let path = quoted(word, "crate::path", input, Path::parse_mod_style)?;
                if self.krate.replace(path).is_some() {
                    errors.on(word, "`crate` is given twice: remove one");
                }
                Ok(())
            }
            "key" => {
                self.lists_keys = true;
                Err(unknown(word, "on the struct it is `keys(…)`; ", STRUCT_TAKES))
            }
            "with" => Err(unknown(word, "`with` goes on a field; ", STRUCT_TAKES)),
            _ => Err(unknown(word, "", STRUCT_TAKES)),
        }
    }

    fn list(
        &mut self,
        role: Role,
        word: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let usage = format!("`{word}` takes names of fields: `{word}(a, b)`");
        if !input.peek(Paren) {
            return Err(syn::Error::new_spanned(word, usage));
        }
        let names;
        parenthesized!(names in input);
        if names.is_empty() {
            errors.on(word, format!("`{word}()` names no field: name some, or remove it"));
        }
        for_each_argument(&names, errors, |input, _| {
            let name = input
                .call(Ident::parse_any)
                .map_err(|error| syn::Error::new(error.span(), &usage))?;
            at_comma(input, &usage)?;
            self.named.push((role, name));
            Ok(())
        });
        Ok(())
    }
}

impl OnField {
    /// Reads the attributes of a field.
    pub fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut read = Self::default();
        for_each_word(attrs, FIELD_TAKES, errors, |word, input, errors| {
            read.word(word, input, errors)
        });
        read
    }

    fn word(
        &mut self,
        word: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        if let Some(role) = Role::ALL.into_iter().find(|role| *word == role.word()) {
            let usage = format!("`{word}` takes no value: write `#[sync({word})]`");
            self.roles.push((role, word.clone()));
            return at_comma(input, &usage);
        }
        match word.to_string().as_str() {
            "with" => {
                let path = quoted(word, "path::to::function", input, ExprPath::parse)?;
                if self.with.is_some() {
                    errors.on(word, "`with` is given twice: remove one");
                }
                self.with = Some((word.clone(), path));
                Ok(())
            }
            "keys" => {
                self.roles.push((Role::Key, word.clone()));
                Err(unknown(word, "on a field it is `key`; ", FIELD_TAKES))
            }
            "crate" => Err(unknown(word, "`crate` goes on the struct; ", FIELD_TAKES)),
            _ => Err(unknown(word, "", FIELD_TAKES)),
        }
    }
}

/// Hands each word of each `#[sync(…)]` to `read`, which takes what belongs to it.
fn for_each_word(
    attrs: &[Attribute],
    takes: &str,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("sync")) {
        let Some(list) = arguments(attr) else {
            let message = format!("`#[sync(…)]` says nothing here: {takes}");
            errors.on(&attr.meta, message);
            continue;
        };
        let parsed = list.parse_args_with(|input: ParseStream<'_>| {
            for_each_argument(input, errors, |input, errors| {
                let word = input
                    .call(Ident::parse_any)
                    .map_err(|error| syn::Error::new(error.span(), takes))?;
                read(&word, input, errors)
            });
            Ok(())
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
    }
}

fn arguments(attr: &Attribute) -> Option<&MetaList> {
    match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => Some(list),
        _ => None,
    }
}

/// Hands each argument to `read`, and goes on behind the next comma after a fault.
fn for_each_argument(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut read: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    while !input.is_empty() {
        let read = read(input, errors).and_then(|()| at_comma(input, "expected `,`"));
        if let Err(error) = read {
            errors.push(error);
        }
        let comma = skip_to_comma(input).and_then(|()| input.parse::<Option<Token![,]>>());
        if comma.is_err() {
            return;
        }
    }
}

fn at_comma(input: ParseStream<'_>, otherwise: &str) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(syn::Error::new(next_span(input), otherwise))
}

fn next_span(input: ParseStream<'_>) -> Span {
    input.fork().parse::<TokenTree>().map_or_else(|_| input.span(), |token| token.span())
}

/// Reads `= "…"`, with a path between the quotes.
fn quoted<T: Parse>(
    word: &Ident,
    example: &str,
    input: ParseStream<'_>,
    path: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let usage = format!("`{word}` takes a path in quotes: `{word} = \"{example}\"`");
    if !input.peek(Token![=]) {
        return Err(syn::Error::new_spanned(word, usage));
    }
    input.parse::<Token![=]>()?;
    let literal: LitStr = input.parse().map_err(|error| syn::Error::new(error.span(), &usage))?;
    literal.parse_with(path).map_err(|_| syn::Error::new_spanned(&literal, &usage))
}

fn unknown(word: &Ident, hint: &str, takes: &str) -> syn::Error {
    let message = format!("unknown attribute `{word}`: {hint}{takes}");
    syn::Error::new_spanned(word, message)
}
