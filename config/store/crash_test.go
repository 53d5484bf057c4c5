package store

const saverDirectory = "PINGAP_TEST_SAVES_IN"

func saveUntilKilled(string) {}
