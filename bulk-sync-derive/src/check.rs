//! Decides whether what the attributes say goes together.
//!
//! Only this module makes a [`Checked`], so nothing unchecked can be emitted.

use syn::{ExprPath, Ident, Type, ext::IdentExt};

use crate::{
    ast::{Field, Struct},
    attr::{OnField, OnStruct, Role},
    error::{Errors, list},
    schema::{Storage, is_float},
};

/// A Model whose columns and roles are settled.
pub struct Checked<'a> {
    /// The name of the struct.
    pub ident: &'a Ident,
    /// Its columns, in the order of the struct.
    pub columns: Vec<Column<'a>>,
}

/// A column with its role.
pub struct Column<'a> {
    /// The field of the Model and of the `ActiveModel`.
    pub field: &'a Ident,
    /// The type of the field in the Model.
    pub ty: &'a Type,
    /// The variant of `Column`.
    pub variant: Ident,
    /// The role; `None` for a value.
    pub role: Option<Role>,
    /// The function that compares, where it is not `==`.
    pub with: Option<ExprPath>,
}

/// A field and all that was said about it.
struct Draft<'a> {
    field: &'a Field<'a>,
    storage: Storage,
    roles: Vec<(Role, Ident)>,
    with: Option<(Ident, ExprPath)>,
}

/// Checks a Model; on a fault there is none, and at least one error more.
pub fn model<'a>(
    ast: &'a Struct<'a>,
    on_struct: &OnStruct,
    errors: &mut Errors,
) -> Option<Checked<'a>> {
    let mut drafts: Vec<_> = ast.fields.iter().map(|field| Draft::read(field, errors)).collect();
    hand_out(&on_struct.named, &mut drafts, errors);
    let has_key = on_struct.lists_keys || drafts.iter().any(Draft::names_key);
    if !has_key {
        errors.on(ast.ident, no_key(&drafts));
    }
    let columns = drafts.into_iter().filter_map(|draft| draft.settle(errors)).collect();
    errors.is_empty().then_some(Checked { ident: ast.ident, columns })
}

/// Checks what `#[sea_orm::model]` left out of the Model: its relations.
pub fn relations(model_ex: &Struct<'_>, errors: &mut Errors) {
    for field in &model_ex.fields {
        if Storage::of(field) == Storage::Relation {
            Draft::read(field, errors).settle(errors);
        }
    }
}

/// Gives each field the roles that the lists of the struct give it.
fn hand_out(named: &[(Role, Ident)], drafts: &mut [Draft<'_>], errors: &mut Errors) {
    for (role, name) in named {
        let draft = drafts.iter_mut().find(|draft| draft.field.ident.unraw() == name.unraw());
        match draft {
            Some(draft) => draft.roles.push((*role, name.clone())),
            None => errors.on(name, unknown_field(name, drafts)),
        }
    }
}

fn unknown_field(name: &Ident, drafts: &[Draft<'_>]) -> String {
    format!("no field is called `{name}`: the columns are {}", columns(drafts))
}

fn no_key(drafts: &[Draft<'_>]) -> String {
    format!(
        "no key: put `#[sync(key)]` on each field that tells one row from another, \
         or `#[sync(keys(…))]` on the struct; the columns are {}",
        columns(drafts)
    )
}

fn columns(drafts: &[Draft<'_>]) -> String {
    list(drafts.iter().filter(|draft| draft.is_column()).map(|draft| draft.field.ident))
}

impl<'a> Draft<'a> {
    fn read(field: &'a Field<'a>, errors: &mut Errors) -> Self {
        let OnField { roles, with } = OnField::read(field.attrs, errors);
        Self { field, storage: Storage::of(field), roles, with }
    }

    fn is_column(&self) -> bool {
        matches!(self.storage, Storage::Column(_))
    }

    fn names_key(&self) -> bool {
        self.roles.iter().any(|(role, _)| *role == Role::Key)
    }

    /// The column, or `None` where the field is none.
    fn settle(self, errors: &mut Errors) -> Option<Column<'a>> {
        let variant = match &self.storage {
            Storage::Column(variant) => variant.clone(),
            Storage::Relation => {
                self.forbid("is a relation", errors);
                return None;
            }
            Storage::Ignored => {
                self.forbid("is kept out of the table by `#[sea_orm(ignore)]`", errors);
                return None;
            }
        };
        self.check_roles(errors);
        self.check_key_type(errors);
        self.check_with(errors);
        Some(Column {
            field: self.field.ident,
            ty: self.field.ty,
            variant,
            role: self.roles.first().map(|(role, _)| *role),
            with: self.with.map(|(_, path)| path),
        })
    }

    /// A field that is no column has no role.
    fn forbid(&self, because: &str, errors: &mut Errors) {
        let words = self.roles.iter().map(|(_, word)| word);
        for word in words.chain(self.with.iter().map(|(word, _)| word)) {
            let message =
                format!("`{}` {because}, so it has no column: remove this", self.field.ident);
            errors.on(word, message);
        }
    }

    /// A column has one role, given once.
    fn check_roles(&self, errors: &mut Errors) {
        let Some(((first, _), others)) = self.roles.split_first() else {
            return;
        };
        let field = self.field.ident;
        for (role, word) in others {
            let message = if role == first {
                format!("`{field}` is given as `{}` twice: remove one", role.word())
            } else {
                format!(
                    "`{field}` cannot be both `{}` and `{}`: remove one",
                    first.word(),
                    role.word()
                )
            };
            errors.on(word, message);
        }
    }

    fn check_key_type(&self, errors: &mut Errors) {
        if self.names_key() && is_float(self.field.ty) {
            errors.on(
                self.field.ty,
                "a float cannot be a key: NaN does not equal itself, and a database may round \
                 what it stores; use an integer, a decimal or text",
            );
        }
    }

    /// Only a value is compared by choice.
    fn check_with(&self, errors: &mut Errors) {
        let (Some((with, _)), Some((role, _))) = (&self.with, self.roles.first()) else {
            return;
        };
        let because = match role {
            Role::Key => "is hashed too, and that has to agree with how it is compared",
            Role::Ignore | Role::Touch => "is not compared",
        };
        errors.on(
            with,
            format!(
                "`with` has no place on a column with `{}`, which {because}: remove one",
                role.word()
            ),
        );
    }
}
