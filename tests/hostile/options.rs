use bulk_sync_tests::suite::Test; pub const TESTS: [Test; 0] = [];
