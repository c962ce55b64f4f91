//! Writes the implementation of `SyncKey`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Path, parse_quote, spanned::Spanned};

use crate::{
    ast::Struct,
    attr::{OnStruct, Role},
    check::{self, Checked, Column},
    error::Errors,
};

/// Expands the derive: into the implementation, or into every fault that it met.
pub fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let Some(ast) = Struct::read(input, &mut errors) else {
        // SeaORM cannot make a Model of it either, and an implementation for
        // what is no Model would be one error more.
        return errors.into_compile_errors();
    };
    if ast.is_model_ex() {
        check::relations(&ast, &mut errors);
        return errors.into_compile_errors();
    }
    let on_struct = OnStruct::read(ast.attrs, &mut errors);
    let checked = check::model(&ast, &on_struct, &mut errors);
    let krate = on_struct.krate.unwrap_or_else(|| parse_quote!(::bulk_sync));
    match checked {
        Some(model) => implementation(&krate, &model),
        None => fallback(&krate, ast.ident, errors),
    }
}

fn implementation(krate: &Path, model: &Checked<'_>) -> TokenStream {
    let private = quote!(#krate::__private);
    let ident = model.ident;
    let count = model.columns.len();
    let names: Vec<_> = (0..count).map(|index| format_ident!("__SyncField{index}")).collect();
    let accesses =
        names.iter().zip(&model.columns).map(|(name, column)| access(&private, name, column));
    let fields =
        names.iter().zip(&model.columns).map(|(name, column)| field(&private, name, column));
    quote! {
        const _: () = {
            use #private::{HashByHash as _, HashByValue as _, SameByEq as _, SameByValue as _};

            type __SyncEntity = <#ident as #private::sea_orm::ModelTrait>::Entity;
            type __SyncModel = <__SyncEntity as #private::sea_orm::EntityTrait>::Model;
            type __SyncActiveModel = <__SyncEntity as #private::sea_orm::EntityTrait>::ActiveModel;
            type __SyncColumn = <__SyncEntity as #private::sea_orm::EntityTrait>::Column;

            #(#accesses)*

            #[automatically_derived]
            impl #krate::SyncKey for #ident {
                fn fields() -> &'static [#private::Field<Self::Entity>] {
                    static FIELDS: [#private::Field<__SyncEntity>; #count] = [#(#fields),*];
                    &FIELDS
                }
            }
        };
    }
}

/// The type that reaches the column in a Model and in an `ActiveModel`.
fn access(private: &TokenStream, name: &Ident, column: &Column<'_>) -> TokenStream {
    let Column { field, ty, .. } = column;
    let local = |name| {
        let place = column.with.as_ref().map_or(field.span(), Spanned::span);
        Ident::new(name, Span::mixed_site().located_at(place))
    };
    let (row, state) = (local("row"), local("state"));
    let (left, right) = (local("left"), local("right"));
    let compares_by_function = column.with.is_some();
    let same = match &column.with {
        Some(function) => quote!(#function(#left, #right)),
        None => quote!((&#private::Probe::<#ty>::new()).same(#left, #right)),
    };
    quote! {
        struct #name;

        #[automatically_derived]
        impl #private::Access for #name {
            type Entity = __SyncEntity;
            type Type = #ty;

            const COMPARES_BY_FUNCTION: bool = #compares_by_function;

            fn of_model(#row: &__SyncModel) -> &#ty {
                &#row.#field
            }

            fn of_active(#row: &__SyncActiveModel) -> &#private::sea_orm::ActiveValue<#ty> {
                &#row.#field
            }

            fn of_active_mut(#row: &mut __SyncActiveModel) -> &mut #private::sea_orm::ActiveValue<#ty> {
                &mut #row.#field
            }

            fn same(#left: &#ty, #right: &#ty) -> bool {
                #same
            }

            fn hash(#left: &#ty, #state: &mut #private::KeyHasher) {
                (&#private::Probe::<#ty>::new()).hash(#left, #state);
            }
        }
    }
}

fn field(private: &TokenStream, name: &Ident, column: &Column<'_>) -> TokenStream {
    let variant = &column.variant;
    let role = match column.role {
        Some(Role::Key) => quote!(Key),
        Some(Role::Ignore) => quote!(Ignore),
        Some(Role::Touch) => quote!(Touch),
        None => quote!(Value),
    };
    quote!(#private::Field::new::<#name>(__SyncColumn::#variant, #private::Role::#role))
}

/// The faults, and an implementation without columns: the trait is there, so
/// what uses it is no error of its own.
fn fallback(krate: &Path, ident: &Ident, errors: Errors) -> TokenStream {
    let errors = errors.into_compile_errors();
    quote! {
        #errors

        #[automatically_derived]
        impl #krate::SyncKey for #ident {
            fn fields() -> &'static [#krate::__private::Field<Self::Entity>] {
                &[]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: &DeriveInput) -> String {
        derive(input).to_string()
    }

    #[test]
    fn only_the_renamed_crate_is_named() {
        let tokens = expanded(&parse_quote! {
            #[sync(keys(id), crate = "other::place")]
            struct Model {
                id: i32,
                name: String,
            }
        });
        assert!(tokens.contains("other :: place :: SyncKey"));
        assert!(!tokens.contains("bulk_sync"));
    }

    #[test]
    fn the_renamed_crate_is_named_beside_errors_too() {
        let tokens = expanded(&parse_quote! {
            #[sync(crate = "other::place")]
            struct Model {
                id: i32,
            }
        });
        assert!(tokens.contains("compile_error"));
        assert!(tokens.contains("impl other :: place :: SyncKey for Model"));
        assert!(!tokens.contains(":: bulk_sync"));
    }

    #[test]
    fn each_fault_is_one_compile_error() {
        let tokens = expanded(&parse_quote! {
            #[sync(keys(missing, id), sorted)]
            struct Model {
                #[sync(ignore, unknown = 1, touch)]
                id: f64,
            }
        });
        assert_eq!(tokens.matches("compile_error").count(), 6);
    }

    #[test]
    fn model_ex_is_passed_over() {
        let tokens = expanded(&parse_quote! {
            #[sync(nonsense)]
            struct ModelEx {
                #[sync(nonsense)]
                id: i32,
            }
        });
        assert_eq!(tokens, "");
    }

    #[test]
    fn model_ex_reports_what_the_model_does_not_show() {
        let tokens = expanded(&parse_quote! {
            struct ModelEx {
                #[sync(key)]
                id: i32,
                #[sync(key)]
                posts: HasMany<super::post::Entity>,
            }
        });
        assert_eq!(tokens.matches("compile_error").count(), 1);
        assert!(tokens.contains("`posts` is a relation"));
        assert!(!tokens.contains("impl"));
    }
}
