// Package config is what the user writes: the sections and keys there are, how
// they are read, their defaults, and what can be wrong with them.
//
// A configuration passes through three steps. Each of them notes everything
// that is wrong; none stops at the first problem:
//
//	text      --Document.AddTOML-->  tree     every key and value with its file, line and column
//	tree      --Document.Decode--->  Config   one struct for each section
//	Config    --Config.Check------>           what holds between sections: names, addresses, plugins
//
// The tree knows nothing of sections and the decoder nothing of TOML, so other
// formats only have to make the same tree.
//
// The struct of a section is the single source of its keys, their types and
// their defaults. Adding a key is adding a field with its tags:
//
//	config:"name"     the key
//	default:"60s"     what holds when it is absent, written as in a file
//	required:"true"   it may not be absent, nor a list be empty
//	min:"0" max:"9"   bounds of a number, a size or a duration
//	enum:"a,b"        the words that are allowed, in upper or lower case
//	inert:"true"      it is read and checked, but nothing acts on it yet
//	inert:"c,d*"      nothing acts on these words yet
//	texts:"k=a,b"     where the key k is one of these words, the texts of this
//	                  list mean something else, and are not read
//	example:"/api"    a value to show, written as in a file without quotes
//
// Fields may be of type string, bool, int, int64, time.Duration,
// *regexp.Regexp, Size, any type with an UnmarshalText, a struct (a table), a
// pointer to one of these (nil when the key is absent), and slices of these.
// Sections implement checked where keys depend on each other, and dropped for
// those of Pingap that have another name by now or mean nothing here. What is
// accepted without effect becomes a Note, not a Problem.
//
// A value that is wrong leaves its field at the zero value, so that who looks
// at it afterwards finds nothing to complain about a second time.
//
// The package does not know how a configuration is run. What other packages
// know better (the settings of plugins, the syntax of rewrites and log formats)
// comes in through Checks, so that everything that is wrong is said at once.
package config
