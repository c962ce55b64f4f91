//! The struct that the derive stands on, its attributes not yet read.

use syn::{Attribute, Data, DataStruct, DeriveInput, Fields, Ident, Type};

use crate::error::Errors;

/// A struct with named fields and no generic parameters.
pub struct Struct<'a> {
    /// Its name.
    pub ident: &'a Ident,
    /// Its attributes, of all macros.
    pub attrs: &'a [Attribute],
    /// Its fields, relations included.
    pub fields: Vec<Field<'a>>,
}

/// A named field.
pub struct Field<'a> {
    /// Its name, raw where it is written raw.
    pub ident: &'a Ident,
    /// Its type.
    pub ty: &'a Type,
    /// Its attributes, of all macros.
    pub attrs: &'a [Attribute],
}

impl<'a> Struct<'a> {
    /// Takes the input apart, or says why it cannot be a Model.
    pub fn read(input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        if !input.generics.params.is_empty() {
            errors.on(&input.generics, "a Model has no generic parameters: remove them");
        }
        let fields = named_fields(input, errors)?;
        errors.is_empty().then_some(Self { ident: &input.ident, attrs: &input.attrs, fields })
    }

    /// Whether this is the second struct that `#[sea_orm::model]` makes: the
    /// Model again, with its relations.
    pub fn is_model_ex(&self) -> bool {
        self.ident == "ModelEx"
    }
}

fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<Vec<Field<'a>>> {
    const EXPECTED: &str = "`SyncKey` is derived on a Model, a struct with named fields";
    match &input.data {
        Data::Struct(DataStruct { fields: Fields::Named(named), .. }) => {
            return Some(named.named.iter().filter_map(Field::read).collect());
        }
        Data::Struct(_) => errors.on(&input.ident, format!("{EXPECTED}: name the fields")),
        Data::Enum(data) => errors.on(data.enum_token, format!("{EXPECTED}, not an enum")),
        Data::Union(data) => errors.on(data.union_token, format!("{EXPECTED}, not a union")),
    }
    None
}

impl<'a> Field<'a> {
    fn read(field: &'a syn::Field) -> Option<Self> {
        Some(Self { ident: field.ident.as_ref()?, ty: &field.ty, attrs: &field.attrs })
    }
}
