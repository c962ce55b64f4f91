//! What the derive makes of an entity: the columns, their roles, and access to them.

mod forms;
mod keys;
mod names;
mod renamed;
mod strict;
mod types;

use std::{
    hash::{BuildHasher, Hasher},
    sync::OnceLock,
};

use bulk_sync::{
    __private::{Field, KeyHasher, Row},
    SyncKey,
};
use hashbrown::DefaultHashBuilder;
use sea_orm::{ActiveModelTrait, ActiveValue, EntityTrait, IntoActiveModel};

/// The variants of `Column` with their roles, in the order of `fields()`.
fn roles<M: SyncKey>() -> Vec<String> {
    M::fields().iter().map(|field| format!("{:?} {:?}", field.column(), field.role())).collect()
}

/// Asserts that each field reads the column that it says, in all forms of a row.
fn assert_access<M>(model: &M)
where
    M: SyncKey + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: EntityTrait<Model = M>,
{
    let active = model.clone().into_active_model();
    let unset = <<M::Entity as EntityTrait>::ActiveModel as ActiveModelTrait>::default();
    for field in M::fields() {
        let column = field.column();
        let value = model.get(column);
        assert_eq!(field.value(Row::Model(model)), Some(value.clone()), "{column:?}");
        assert_eq!(active.get(column), ActiveValue::Unchanged(value.clone()), "{column:?}");
        assert_eq!(field.value(Row::Active(&active)), Some(value), "{column:?}");
        assert_eq!(field.value(Row::Active(&unset)), None, "{column:?}");
        assert!(field.same(Row::Model(model), Row::Active(&active)), "{column:?}");
        assert!(!field.same(Row::Model(model), Row::Active(&unset)), "{column:?}");
        assert_eq!(
            hash::<M>(field, Row::Model(model)),
            hash::<M>(field, Row::Active(&active)),
            "{column:?}"
        );
    }
}

/// Two calls of `hash` have to agree, so one random state serves them all.
fn fixed_state() -> &'static DefaultHashBuilder {
    static STATE: OnceLock<DefaultHashBuilder> = OnceLock::new();
    STATE.get_or_init(DefaultHashBuilder::default)
}

fn hash<M: SyncKey>(field: &Field<M::Entity>, row: Row<'_, M::Entity>) -> u64 {
    let mut state: KeyHasher = fixed_state().build_hasher();
    field.hash(row, &mut state);
    state.finish()
}
