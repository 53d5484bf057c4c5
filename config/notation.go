package config

import (
	"strconv"
	"strings"
)

// Quote writes a text in quotation marks as TOML, HCL and KDL have them in
// common. Characters that are not to be shown as they are become what code
// returns for them.
func Quote(text string, shown func(rune) bool, code func(rune) string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case shown(r):
			b.WriteRune(r)
		default:
			b.WriteString(code(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Decimal reports whether the text of a number is one in HCL and KDL as well,
// which have no infinity, and no underscores where TOML has them.
func (n *Node) Decimal() bool {
	_, err := strconv.ParseFloat(n.Text, 64)
	return err == nil && !strings.ContainsAny(n.Text, "nN")
}
