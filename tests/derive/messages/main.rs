//! What the compiler says where the derive is used wrongly.

#[test]
fn messages() {
    trybuild::TestCases::new().compile_fail("compile_fail/*.rs");
}
