package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRegexp bounds an expression, in bytes. Compiled it can take a few hundred
// times as many.
const maxRegexp = 64 << 10

// compileRegexp compiles an expression (RE2 syntax, like that of Pingap). Its
// error says where in the expression it went wrong.
func compileRegexp(expression string) (*regexp.Regexp, error) {
	if len(expression) > maxRegexp {
		return nil, &ValueError{Message: fmt.Sprintf("the regular expression has %d bytes; at most %d are allowed", len(expression), maxRegexp)}
	}
	re, err := regexp.Compile(expression)
	if err == nil {
		return re, nil
	}
	detail, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return nil, &ValueError{Message: fmt.Sprintf("not a regular expression: %v", err)}
	}
	what, at := detail.Code.String(), strings.Index(expression, detail.Expr)
	switch detail.Code {
	case syntax.ErrMissingParen, syntax.ErrUnexpectedParen:
		at = oddParenthesis(expression)
	case syntax.ErrMissingBracket:
	case syntax.ErrTrailingBackslash:
		at = len(expression) - 1
	default:
		what += " " + shownAs(detail.Expr)
	}
	wrong := &ValueError{Message: "not a regular expression: " + what}
	if at >= 0 {
		wrong.Message += fmt.Sprintf(" (character %d)", utf8.RuneCountInString(expression[:at])+1)
	}
	switch {
	case strings.HasPrefix(detail.Expr, "(?=") || strings.HasPrefix(detail.Expr, "(?!") || strings.HasPrefix(detail.Expr, "(?<"):
		wrong.Hint = "looking ahead and behind is not supported"
	case detail.Code == syntax.ErrInvalidEscape && '1' <= detail.Expr[1] && detail.Expr[1] <= '9':
		wrong.Hint = "back-references are not supported"
	}
	return nil, wrong
}

// shownAs returns a part of an expression as it can stand in a message.
func shownAs(part string) string {
	if strings.ContainsFunc(part, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(part)
	}
	return part
}

// oddParenthesis returns where the first parenthesis is that has no partner, or
// -1.
func oddParenthesis(expression string) int {
	var open []int
	for i := 0; i < len(expression); i++ {
		switch expression[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(expression, i)
		case '(':
			open = append(open, i)
		case ')':
			if len(open) == 0 {
				return i
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return -1
	}
	return open[0]
}

// classEnd returns where the character class that begins at start ends: at its
// bracket, or with the expression. A bracket that comes first is a member.
func classEnd(expression string, start int) int {
	i := start + 1
	if strings.HasPrefix(expression[i:], "^") {
		i++
	}
	if strings.HasPrefix(expression[i:], "]") {
		i++
	}
	for ; i < len(expression) && expression[i] != ']'; i++ {
		if expression[i] == '\\' {
			i++
		}
	}
	return i
}
