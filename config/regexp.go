package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// compileRegexp compiles an expression (RE2 syntax, like that of Pingap). Its
// error says where in the expression it went wrong.
func compileRegexp(expression string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expression)
	if err == nil {
		return re, nil
	}
	wrong := &ValueError{Message: fmt.Sprintf("not a regular expression: %v", err)}
	detail, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return nil, wrong
	}
	wrong.Message = fmt.Sprintf("not a regular expression: %s", detail.Code)
	if detail.Expr != expression {
		wrong.Message += fmt.Sprintf(": %s", detail.Expr)
		if at := strings.Index(expression, detail.Expr); at >= 0 {
			wrong.Message += fmt.Sprintf(" at character %d", len([]rune(expression[:at]))+1)
		}
	}
	switch {
	case strings.HasPrefix(detail.Expr, "(?=") || strings.HasPrefix(detail.Expr, "(?!") || strings.HasPrefix(detail.Expr, "(?<"):
		wrong.Hint = "looking ahead and behind is not supported"
	case detail.Code == syntax.ErrMissingRepeatArgument && strings.HasPrefix(expression, "*"):
		wrong.Hint = "write (?i) in front for upper and lower case alike, .* for any text"
	case detail.Code == syntax.ErrInvalidEscape:
		wrong.Hint = `back-references are not supported, and \\ is a backslash`
	}
	return nil, wrong
}
