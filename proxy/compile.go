package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"pingap/accesslog"
	"pingap/config"
	"pingap/message"
	"pingap/plugin"
	"pingap/route"
	"pingap/telemetry"
	"pingap/upstream"
)

// compiler makes services of a configuration and collects what is wrong with
// it. Without upstreams it only checks.
type compiler struct {
	config    *config.Config
	previous  *Graph // to take over from
	upstreams *parts[upstream.Spec, *upstream.Upstream]
	version   string
	logger    *slog.Logger
	loops     int
	checking  bool // only to find problems: nothing will be served

	admin     func(plugin.AdminEntry) *plugin.Admin // those of Environment
	ownAdmin  *plugin.Admin
	withAdmin func(*config.Server) bool

	plugins   *parts[*config.Plugin, plugin.Placed]
	counts    counts
	locations map[string]*Location
	choice    map[string]*upstream.Upstream    // all upstreams, where a capture names one
	problems  map[*config.Item]config.Problems // of each section
}

func newCompiler(c *config.Config) *compiler {
	return &compiler{
		config:    c,
		previous:  &Graph{},
		upstreams: newParts[upstream.Spec, *upstream.Upstream](nil, nil),
		plugins:   newParts(samePlugin, closePlugin),
		locations: make(map[string]*Location),
		problems:  make(map[*config.Item]config.Problems),
		logger:    slog.New(slog.DiscardHandler),
	}
}

// samePlugin compares sections; those of ready-made plugins are nil.
func samePlugin(a, b *config.Plugin) bool {
	return a == b || a != nil && b != nil && a.Same(&b.Item)
}

// closePlugin closes a plugin that has something to close.
func closePlugin(p plugin.Placed) {
	if c, ok := p.Plugin.(io.Closer); ok {
		c.Close()
	}
}

// compile returns the services by name. Parts with problems are left out.
func (k *compiler) compile() map[string]*Service {
	for _, p := range k.config.Plugins {
		if !k.outdated(p.Name) && k.plugins.carry(k.previous.plugins, p.Name, p) {
			continue
		}
		placed, problems := plugin.New(p, k.environment())
		if len(problems) > 0 {
			k.problems[&p.Item] = problems
		}
		if len(problems.Errors()) > 0 {
			continue
		}
		k.plugins.add(p.Name, p, placed)
	}
	k.counts = k.previous.counts.next(k.config, k.loops)
	for _, l := range k.config.Locations {
		k.locations[l.Name] = k.location(l)
	}
	services := make(map[string]*Service)
	for _, s := range k.config.Servers {
		services[s.Name] = k.service(s)
	}
	return services
}

// outdated reports whether the plugin of a name that there was before is made of
// something that has changed.
func (k *compiler) outdated(name string) bool {
	if k.previous.plugins == nil {
		return false
	}
	before, _ := k.previous.plugins.get(name)
	d, ok := before.Plugin.(plugin.Dated)
	return ok && !d.Current()
}

// environment is what plugins are offered.
func (k *compiler) environment() *plugin.Environment {
	version := k.version // and not k, which plugins would keep with the graph before
	return &plugin.Environment{
		Process:  func() plugin.Process { return telemetry.Process(version) },
		Logger:   k.logger,
		Admin:    k.admin,
		OwnAdmin: k.ownAdmin,
		Value: func(text string) (func(*message.Exchange) string, error) {
			v, err := compileValue(text, nil)
			return v.of, err
		},
	}
}

func (k *compiler) problem(item *config.Item, key, message, hint string) {
	k.problems[item] = append(k.problems[item], item.Problem(key, message, hint))
}

func (k *compiler) warning(l *config.Location, key, message, hint string) {
	k.problems[&l.Item] = append(k.problems[&l.Item], l.Warning(key, message, hint))
}

// service compiles a server's routes and log.
func (k *compiler) service(s *config.Server) *Service {
	service := newService(s.Name, k.counts.servers[s.Name], k.loops)
	for _, p := range k.config.Basic.TrustedProxies {
		service.trusted = append(service.trusted, p.Prefix)
	}
	service.errors = newErrorPages(k.config.Basic.ErrorTemplate, k.version, k.logger)
	if s.AccessLog != "" {
		var err error
		if service.target, service.format, err = accesslog.Parse(s.AccessLog); err != nil {
			k.problem(&s.Item, "access_log", err.Error(), "")
		}
	}
	if k.ownAdmin != nil && k.withAdmin(s) {
		service.admin = k.ownAdmin
	}
	service.table = k.table(s)
	return service
}

// table makes the table of a server's locations; none to check them, since they
// are tried one by one, see location.
func (k *compiler) table(s *config.Server) *route.Table[*Location] {
	if k.checking {
		return nil
	}
	var specs []route.Spec[*Location]
	for _, name := range s.Locations {
		l, target := k.config.Location(name), k.locations[name]
		if l == nil || target == nil {
			continue // reported as a reference that leads nowhere
		}
		specs = append(specs, routeSpec(l, target))
	}
	table, err := route.New(specs)
	if err != nil {
		// Each has been found right, see Check.
		table, _ = route.New[*Location](nil)
	}
	return table
}

func routeSpec(l *config.Location, target *Location) route.Spec[*Location] {
	return route.Spec[*Location]{
		Name:      l.Name,
		Hosts:     l.Host,
		Path:      string(l.Path),
		Weight:    l.Weight.Value,
		HasWeight: l.Weight.Set,
		Headers:   routeConditions(l.MatchHeaders),
		Query:     routeConditions(l.MatchQuery),
		Cookies:   routeConditions(l.MatchCookies),
		Target:    target,
	}
}

func routeConditions(list []config.Condition) []route.Condition {
	var conditions []route.Condition
	for _, c := range list {
		conditions = append(conditions, route.Condition{Name: c.Name, Value: c.Value, HasValue: c.HasValue})
	}
	return conditions
}

// location compiles what is done with the exchanges of a location.
func (k *compiler) location(l *config.Location) *Location {
	loc := newLocation(l.Name, int64(l.MaxProcessing), k.counts.locations[l.Name])
	loc.maxBody = int64(l.ClientMaxBodySize)
	if k.checking {
		if _, err := route.New([]route.Spec[*Location]{routeSpec(l, loc)}); err != nil {
			k.specProblem(l, err)
		}
	}
	captures := route.Captures(l.Host, string(l.Path))
	t := &treatment{}
	if l.Rewrite != "" {
		rewrite, err := route.NewRewrite(string(l.Rewrite), captures)
		if err != nil {
			k.problem(&l.Item, "rewrite", err.Error(), "")
		} else {
			t.rewrite, captures = rewrite, append(captures, rewrite.Captures()...)
		}
	}
	t.requestHeaders = newRequestChanges(
		append(k.reverseProxyFields(l), k.fields(l, "proxy_set_headers", l.ProxySetHeaders, captures)...),
		k.fields(l, "proxy_add_headers", l.ProxyAddHeaders, captures))
	if slices.ContainsFunc(l.ProxyAddHeaders, func(h config.Header) bool { return strings.EqualFold(h.Name, "Host") }) {
		k.warning(l, "proxy_add_headers", "Host has no effect, a request has one host", "write it into proxy_set_headers")
	}
	t.responseHeaders = headerChanges{
		set: k.fields(l, "set_response_headers", l.SetResponseHeaders, captures),
		add: k.fields(l, "add_response_headers", l.AddResponseHeaders, captures),
	}
	loc.onPages = t.responseHeaders.onPages()
	for _, name := range l.Plugins {
		if p, ok := k.plugin(name); ok {
			t.plugins = append(t.plugins, p)
		}
	}
	t.upstream = k.upstream(l, t, captures)
	t.grpcWeb = l.GRPCWeb
	loc.handler = t.handler()
	return loc
}

// specProblem reports what route finds wrong with a location, at its key.
func (k *compiler) specProblem(l *config.Location, err error) {
	var specError *route.SpecError
	if errors.As(err, &specError) {
		k.problem(&l.Item, specError.Key, specError.Err.Error(), "")
		return
	}
	k.problem(&l.Item, "", err.Error(), "")
}

// reverseProxyFields are those of enable_reverse_proxy_headers.
func (k *compiler) reverseProxyFields(l *config.Location) []headerField {
	if !l.EnableReverseProxyHeaders {
		return nil
	}
	return k.fields(l, "enable_reverse_proxy_headers", []config.Header{
		{Name: "X-Real-IP", Value: "$remote_addr"},
		{Name: "X-Forwarded-For", Value: "$proxy_add_x_forwarded_for"},
		{Name: "X-Forwarded-Proto", Value: "$scheme"},
		{Name: "X-Forwarded-Host", Value: "$host"},
		{Name: "X-Forwarded-Port", Value: "$server_port"},
	}, nil)
}

func (k *compiler) fields(l *config.Location, key string, list []config.Header, captures []string) []headerField {
	var fields []headerField
	for _, h := range list {
		v, err := compileValue(h.Value, captures)
		if err != nil {
			k.problem(&l.Item, key, err.Error(), "")
			continue
		}
		if name, hint := misspelt(h.Value, captures); name != "" {
			k.warning(l, key, name+" is no variable and will be sent as it is", hint)
		}
		fields = append(fields, headerField{name: h.Name, value: v})
	}
	return fields
}

// plugin returns a plugin by name: one of the configuration, or one that is
// ready made.
func (k *compiler) plugin(name string) (plugin.Placed, bool) {
	if p, ok := k.plugins.get(name); ok {
		return p, true
	}
	if k.plugins.carry(k.previous.plugins, name, nil) {
		return k.plugins.get(name)
	}
	p, ok := plugin.NewReadyMade(name, k.environment())
	if ok {
		k.plugins.add(name, nil, p)
	}
	return p, ok
}

// upstream returns what asks the location's upstream, nil where it has none.
func (k *compiler) upstream(l *config.Location, t *treatment, captures []string) message.Handler {
	asking := upstream.Asking{Retry: upstream.Retry{Max: l.MaxRetries, Window: l.MaxRetryWindow}}
	if t.requestHeaders.late {
		asking.Connected = t.requestHeaders.connected
	}
	own := k.ownUpstream(l, asking, captures)
	if !slices.ContainsFunc(t.plugins, func(p plugin.Placed) bool { return p.Chooses }) {
		return own
	}
	return &splitUpstream{own: own, among: k.anyUpstream(), asking: asking}
}

// ownUpstream returns what asks the upstream that a location itself names.
func (k *compiler) ownUpstream(l *config.Location, asking upstream.Asking, captures []string) message.Handler {
	name, isVariable := strings.CutPrefix(l.Upstream, "$")
	if !isVariable {
		if u, ok := k.upstreams.get(l.Upstream); ok {
			return u.Handler(asking)
		}
		return nil
	}
	name = strings.Trim(name, "{}")
	if !slices.Contains(captures, name) {
		k.problem(&l.Item, "upstream", fmt.Sprintf("uses $%s, which host, path and rewrite do not capture", name),
			config.SuggestAs("$", name, captures))
	}
	return &chosenUpstream{capture: name, among: k.anyUpstream(), asking: asking}
}

// anyUpstream returns all upstreams by name. The map does not change, whatever
// becomes of the graph's own.
func (k *compiler) anyUpstream() map[string]*upstream.Upstream {
	if k.choice == nil {
		k.choice = make(map[string]*upstream.Upstream)
		for name, held := range k.upstreams.byName {
			k.choice[name] = held.value
		}
	}
	return k.choice
}

// splitUpstream asks the upstream that a plugin has chosen, or else the location's
// own, which may be nil. Plugins choose by name, since they live longer than an
// upstream that is configured anew.
type splitUpstream struct {
	own    message.Handler
	among  map[string]*upstream.Upstream
	asking upstream.Asking
}

func (h *splitUpstream) Serve(x *message.Exchange) error {
	switch {
	case x.Instead != "":
		if u := h.among[x.Instead]; u != nil {
			return u.Ask(x, &h.asking)
		}
		return fmt.Errorf("%w: %q, which a plugin has chosen, is not defined", ErrNoUpstream, x.Instead)
	case h.own == nil:
		return errNobodyAnswers
	}
	return h.own.Serve(x)
}

// chosenUpstream asks the upstream that a capture names.
type chosenUpstream struct {
	capture string
	among   map[string]*upstream.Upstream
	asking  upstream.Asking
}

func (h *chosenUpstream) Serve(x *message.Exchange) error {
	name, _ := x.Capture(h.capture)
	if u := h.among[name]; u != nil {
		return u.Ask(x, &h.asking)
	}
	return fmt.Errorf("%w: %q, which $%s names, is not defined", ErrNoUpstream, name, h.capture)
}
