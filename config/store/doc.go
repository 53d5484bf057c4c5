// Package store is where configurations are kept: in a file, in the files of a
// directory, in etcd, or in memory. A Store is opened once from what the user
// named (see Open), read as often as needed, changed by item, and watched.
//
//	s, err := store.Open("/etc/pingap?separation&enable_history=true")
//	snapshot, err := s.Read(ctx)         all texts as they are at one moment
//	c, problems := snapshot.Decode()     what package config makes of them
//	next, err := snapshot.With(edit)     as it would be: to be checked before
//	err = s.Save(ctx, "alice", edit)     all edits or none, on disk when it returns
//	changed := s.Watch(ctx, snapshot.Revision(), report)
//
// # Items
//
// A configuration is made of items: sections such as [basic] or
// [servers.main]. An item is its TOML text, with the header, what stands below
// it and the comments right above. The layout of a store says which of its
// texts a new item goes to; an item that stands elsewhere is read and replaced
// where it stands. Whatever else a text holds stays as it is.
//
// # Two writers
//
// An Edit says which revision of the item its author has seen. When the item is
// another one by now, Save refuses with a *Conflict. Edits of different items
// do not get in each other's way: in files, savers wait for each other with a
// lock on the directory; in etcd, a transaction that meets another is begun
// anew.
//
// # Crashes
//
// A reader finds the configuration as it was before a save or as it is after
// it, whenever the process or the machine stops. A file is written under
// another name, brought to disk, and renamed. A save of several files prepares
// them all, and then counts as done as soon as a list of them, the journal, has
// its name; see the type journal.
//
// # Media
//
// What differs between media is the interface medium: texts by key, changed all
// or none. Items, layouts, edits and history are written once, above it.
package store
