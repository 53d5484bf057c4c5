package config

// Plugin is a section [plugins.name]: a named instance of a kind of plugin.
type Plugin struct {
	Item
	pluginKeys
	// Settings are the keys that only the kind of plugin knows.
	Settings *Settings
}

// pluginKeys are the keys of every plugin.
type pluginKeys struct {
	// Category is the kind of plugin.
	Category string `config:"category" required:"true"`
	// Step is where the plugin acts; empty means where its kind does.
	Step string `config:"step"`
	// Remark is a note.
	Remark string `config:"remark"`
}

// Settings are the keys of a plugin that its kind decodes.
type Settings struct {
	node    *Node
	section string
}

// Decode fills the struct that target points to, by its tags (see the package
// comment), and returns what is wrong.
func (s *Settings) Decode(target any) Problems {
	var problems Problems
	decodeStruct(s.node, s.section, target, &problems)
	return problems
}

// Problem returns a problem with a key, at its place.
func (s *Settings) Problem(key, message, hint string) Problem {
	at := s.node.Position
	if f, ok := s.node.field(key); ok {
		at = f.Node.Position
	}
	return Problem{Position: at, Section: s.section, Key: key, Message: message, Hint: hint}
}

// SettingsOf makes settings of a TOML text, for plugins that are ready-made.
func SettingsOf(section, text string) (*Settings, Problems) {
	root := &Node{Kind: Table}
	problems := ParseTOML(root, section, []byte(text))
	return &Settings{node: root, section: section}, problems
}

func addPlugin(c *Config, item Item, n *Node, problems *Problems) {
	p := &Plugin{Item: item}
	section := "plugins." + item.Name
	common := &Node{Kind: Table, Position: n.Position}
	own := &Node{Kind: Table, Position: n.Position}
	for _, f := range n.Fields {
		switch f.Key {
		case "category", "step", "remark":
			common.set(f)
		default:
			own.set(f)
		}
	}
	decodeStruct(common, section, &p.pluginKeys, problems)
	p.Settings = &Settings{node: own, section: section}
	c.Plugins = append(c.Plugins, p)
}
