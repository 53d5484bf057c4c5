package config

// Storage is a section [storages.name]: a part of a configuration that others
// use by its name.
type Storage struct {
	Item
	// Category is what the value is: config for keys that sections take in by
	// their includes, secret for a text that any value may stand for by
	// $SECRET:name.
	Category string `config:"category" required:"true" enum:"config,secret"`
	// Value is the text itself, or what became of it when it was encrypted.
	Value string `config:"value"`
	// Secret is the passphrase that the value is encrypted with. Empty means
	// that it is not. $ENV:NAME takes it from the environment.
	Secret string `config:"secret"`
	// CreatedAt is when Pingap made the section by itself, in seconds since
	// 1970.
	CreatedAt int64 `config:"created_at" min:"0"`
	// Remark is a note.
	Remark string `config:"remark"`
}
