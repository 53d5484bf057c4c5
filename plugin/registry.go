package plugin

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"pingap/config"
	"pingap/message"
)

// Kind is a category of plugins.
type Kind struct {
	// Category is its name in the configuration.
	Category string
	// Steps are where it may act; the first is where it does unless the
	// configuration says otherwise, or the instance is a Settler.
	Steps []Step
	// New makes an instance of its settings. A plugin is made only when there
	// are no problems but warnings; it is nil otherwise. An instance that is an io.Closer is
	// closed when no configuration has it any more. To check a configuration
	// instances are made too, so New must touch nothing outside.
	New func(settings *config.Table, env *Environment) (Plugin, config.Problems)
	// Upstream is the key that names an upstream, which has to exist; "" for
	// none. Such a plugin may set Exchange.Instead to the name.
	Upstream string
	// ReadyMade are instances that exist without being configured: their
	// settings, as TOML, by name.
	ReadyMade map[string]string
	// Given are ready-made instances that are not made of settings, but are what
	// the environment has, by name.
	Given map[string]func(env *Environment) Plugin
}

// Settler is an instance whose settings other than step say where it acts.
type Settler interface {
	// Step is one of its kind's Steps.
	Step() Step
}

// Dated is an instance that is made of more than its settings, such as a file. It
// is made anew by a reload, though the settings are the same, when that has changed.
type Dated interface {
	// Current reports whether nothing has changed. It may read files.
	Current() bool
}

// Environment is what the proxy offers to the plugins that it makes.
type Environment struct {
	// Logger is for what an operator has to know.
	Logger *slog.Logger
	// Value compiles what a header field is set to, with its variables, such as
	// $http_origin or ":connection_id". The compiled value lives as long as the
	// exchange that it was made for.
	Value func(text string) (func(x *message.Exchange) string, error)
	// Process looks at the process and its machine, for plugins that tell of them.
	// It reads files, so it is called off the loop.
	Process func() Process
	// Admin makes an entry to the admin of the process, for the plugin that puts
	// one below a path of a location. It is nil where nothing will be served.
	Admin func(AdminEntry) *Admin
	// OwnAdmin is the entry that the process was started with, nil for none.
	OwnAdmin *Admin
}

// kinds are all that have been registered, by category; readyMade are their
// ready-made instances, by name. Both are written by init functions only.
var (
	kinds     = make(map[string]*Kind)
	readyMade = make(map[string]*Kind)
)

// Register makes a kind of plugins known. It is called by the init function of
// the kind's package, and panics when the category is taken.
func Register(k Kind) {
	if kinds[k.Category] != nil {
		panic("plugin: category " + k.Category + " is registered twice")
	}
	kinds[k.Category] = &k
	for name := range k.ReadyMade {
		readyMade[name] = &k
	}
	for name := range k.Given {
		readyMade[name] = &k
	}
}

// Categories returns the names of all kinds, sorted.
func Categories() []string { return slices.Sorted(maps.Keys(kinds)) }

// ReadyMade returns the names of the instances that need no configuration,
// sorted.
func ReadyMade() []string { return slices.Sorted(maps.Keys(readyMade)) }

// Upstreams returns the keys that name upstreams, by category.
func Upstreams() map[string]string {
	keys := make(map[string]string)
	for category, k := range kinds {
		if k.Upstream != "" {
			keys[category] = k.Upstream
		}
	}
	return keys
}

// Placed is an instance and the step at which it acts.
type Placed struct {
	Plugin
	Step Step
	// Chooses is set when the plugin may choose the upstream that is asked.
	Chooses bool
}

// New makes the instance that a section describes, whose category is one of
// Categories.
func New(c *config.Plugin, env *Environment) (Placed, config.Problems) {
	k := kinds[c.Category]
	if k == nil {
		return Placed{}, config.Problems{c.Problem("category", fmt.Sprintf("there are no plugins of the category %q", c.Category), "")}
	}
	instance, problems := k.New(c.Table, env)
	placed := k.place(instance)
	if c.Step != "" {
		step, ok := k.step(c.Step)
		if !ok {
			problems = append(problems, c.Problem("step", fmt.Sprintf("a %s plugin cannot act at step %q", c.Category, c.Step),
				fmt.Sprintf("it acts at %v", k.Steps)))
		}
		placed.Step = step
	}
	return placed, problems
}

// place puts an instance where it acts when no step is written.
func (k *Kind) place(instance Plugin) Placed {
	placed := Placed{Plugin: instance, Step: k.Steps[0], Chooses: k.Upstream != ""}
	if s, ok := instance.(Settler); ok {
		placed.Step = s.Step()
	}
	return placed
}

func (k *Kind) step(name string) (Step, bool) {
	for _, s := range k.Steps {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}

// NewReadyMade makes the instance that needs no configuration; false if there
// is none of that name.
func NewReadyMade(name string, env *Environment) (Placed, bool) {
	k := readyMade[name]
	if k == nil {
		return Placed{}, false
	}
	if given := k.Given[name]; given != nil {
		return k.place(given(env)), true
	}
	instance, problems := k.New(config.TableOf(name, k.ReadyMade[name]), env)
	if len(problems.Errors()) > 0 {
		panic("plugin: ready-made " + problems.Error())
	}
	return k.place(instance), true
}

// Answer fills the response of x with content of a plugin's own. content is
// not copied; it must not change.
func Answer(x *message.Exchange, status int, content *Content) {
	r := &x.Response
	r.Status = status
	for _, f := range content.Header {
		r.Header.Add(f.Name, f.Value)
	}
	if !r.Header.Has("Cache-Control") {
		r.Header.Add("Cache-Control", "private, no-cache")
	}
	r.Length = int64(len(content.Data))
	r.Body = x.BytesBody(content.Data)
}

// Content is what a plugin answers with again and again.
type Content struct {
	Header []message.Field
	Data   []byte
}
