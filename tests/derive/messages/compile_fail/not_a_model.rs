use bulk_sync::SyncKey;

#[derive(SyncKey)]
enum Enum {
    Variant,
}

#[derive(SyncKey)]
union Union {
    field: i32,
}

#[derive(SyncKey)]
struct Tuple(i32);

#[derive(SyncKey)]
struct Unit;

#[derive(SyncKey)]
struct Generic<'a, T> {
    #[sync(key)]
    field: &'a T,
}

fn main() {}
