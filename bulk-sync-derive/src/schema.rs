//! How SeaORM sees a field: which fields are columns, and what it calls them.
//!
//! This follows sea-orm-macros 2.0 to the letter, misreadings included: the
//! names have to meet those of the `Column` enum.

use heck::ToUpperCamelCase;
use proc_macro2::TokenTree;
use syn::{
    Attribute, GenericArgument, Ident, LitStr, PathArguments, PathSegment, Token, Type,
    ext::IdentExt, meta::ParseNestedMeta, parse::ParseStream,
};

use crate::ast::Field;

/// What SeaORM makes of a field.
#[derive(Debug, PartialEq, Eq)]
pub enum Storage {
    /// A column, with the name of its variant.
    Column(Ident),
    /// A relation, `HasOne`, `HasMany` or `BelongsTo`.
    Relation,
    /// A field that `#[sea_orm(ignore)]` keeps out of the table.
    Ignored,
}

impl Storage {
    /// Reads the type and the `#[sea_orm(…)]` attributes of a field.
    pub fn of(field: &Field<'_>) -> Self {
        if is_relation(field.ty) {
            return Self::Relation;
        }
        let attrs = SeaOrm::read(field.attrs);
        if attrs.ignore {
            return Self::Ignored;
        }
        Self::Column(attrs.enum_name.unwrap_or_else(|| variant(field.ident)))
    }
}

/// Whether the type is a float, or an `Option` of one.
pub fn is_float(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| {
        segment.ident == "f32"
            || segment.ident == "f64"
            || (segment.ident == "Option" && argument(segment).is_some_and(is_float))
    })
}

/// The parts of `#[sea_orm(…)]` on a field that say whether and how it is a column.
#[derive(Default)]
struct SeaOrm {
    ignore: bool,
    enum_name: Option<Ident>,
}

impl SeaOrm {
    /// What cannot be read is left to SeaORM's own derives to report.
    fn read(attrs: &[Attribute]) -> Self {
        let mut read = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("sea_orm")) {
            let _ = attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("ignore") {
                    read.ignore = true;
                } else if meta.path.is_ident("enum_name") {
                    read.enum_name = Some(enum_name(&meta)?);
                }
                skip_to_comma(meta.input)
            });
        }
        read
    }
}

fn enum_name(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    meta.value()?.parse::<LitStr>()?.parse()
}

/// Passes over the rest of an attribute's argument, whatever its form.
pub fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn variant(field: &Ident) -> Ident {
    let name = field.unraw().to_string().to_upper_camel_case();
    // `Self` is the one keyword that upper camel case can give, and cannot be raw.
    let name = if name == "Self" { "Self_" } else { &name };
    Ident::new(name, field.span())
}

fn is_relation(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| {
        ["HasOne", "HasMany", "BelongsTo"].iter().any(|relation| segment.ident == relation)
    })
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) => Some(ty),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{Data, DeriveInput, parse_quote};

    use super::*;

    fn storages(item: &DeriveInput) -> Vec<Storage> {
        let Data::Struct(data) = &item.data else {
            panic!("not a struct");
        };
        data.fields
            .iter()
            .map(|field| {
                Storage::of(&Field {
                    ident: field.ident.as_ref().unwrap(),
                    ty: &field.ty,
                    attrs: &field.attrs,
                })
            })
            .collect()
    }

    fn columns(item: &DeriveInput) -> Vec<String> {
        let column = |storage| match storage {
            Storage::Column(variant) => variant.to_string(),
            storage => format!("{storage:?}"),
        };
        storages(item).into_iter().map(column).collect()
    }

    #[test]
    fn a_variant_is_the_field_in_upper_camel_case() {
        let item = parse_quote! {
            struct Model {
                id: i32,
                external_id: i32,
                r#type: String,
                line1_text: String,
                _hidden_: String,
                self_: String,
                crate_: String,
                _self: String,
                mixedCase: String,
                HTTPStatus: i32,
            }
        };
        assert_eq!(
            columns(&item),
            [
                "Id",
                "ExternalId",
                "Type",
                "Line1Text",
                "Hidden",
                "Self_",
                "Crate",
                "Self_",
                "MixedCase",
                "HttpStatus"
            ]
        );
    }

    #[test]
    fn enum_name_overrides_wherever_it_stands() {
        let item = parse_quote! {
            struct Model {
                #[sea_orm(primary_key, column_name = "i", enum_name = "Number")]
                id: i32,
                #[sea_orm(column_type = "Text")]
                #[sea_orm(enum_name = "Words", nullable)]
                text: String,
            }
        };
        assert_eq!(columns(&item), ["Number", "Words"]);
    }

    #[test]
    fn other_attributes_of_any_form_are_passed_over() {
        let item = parse_quote! {
            struct Model {
                #[sea_orm(a(b, ignore), c = -1, d = "ignore", e = f(1, 2), g::h, enum_name = "X")]
                #[sea_orm]
                #[sea_orm = "ignore"]
                #[sea_orm("ignore")]
                #[other(ignore)]
                #[doc = "ignore"]
                a: i32,
                #[sea_orm(a(b), ignore)]
                b: i32,
                #[sea_orm(enum_name = "not a name", default_value = 1)]
                c: i32,
            }
        };
        assert_eq!(columns(&item), ["X", "Ignored", "C"]);
    }

    #[test]
    fn a_relation_is_known_by_the_last_segment_of_its_type() {
        let item = parse_quote! {
            struct Model {
                one: HasOne<super::cake::Entity>,
                many: sea_orm::entity::prelude::HasMany<super::cake::Entity>,
                owner: BelongsTo<Option<super::cake::Entity>>,
                has_one: Option<i32>,
                list: Vec<HasOne>,
            }
        };
        assert_eq!(columns(&item), ["Relation", "Relation", "Relation", "HasOne", "List"]);
    }

    #[test]
    fn floats_are_known_inside_options_only() {
        let float = |ty| is_float(&ty);
        assert!(float(parse_quote!(f32)));
        assert!(float(parse_quote!(core::primitive::f64)));
        assert!(float(parse_quote!(Option<f64>)));
        assert!(float(parse_quote!(std::option::Option<(f32)>)));
        assert!(!float(parse_quote!(Vec<f64>)));
        assert!(!float(parse_quote!(Decimal)));
        assert!(!float(parse_quote!([f32; 2])));
    }
}
