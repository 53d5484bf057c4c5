package hcl

import (
	"bytes"
	"fmt"
	"strconv"

	hcl "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"pingap/config"
)

// The parser descends into brackets, operators and templates, and evaluates
// numbers exactly, however large. What a text can make it do is bounded here,
// before it sees the text: a stack that overflows would end the process, with
// everything that it serves.
const (
	// maxText bounds one text, in bytes: some 50,000 locations. Each byte can
	// cost the parser a few hundred.
	maxText = 8 << 20
	// maxBrackets bounds how many brackets stand in each other.
	maxBrackets = 256
	// maxOperators bounds the operators of a text. Each is a mistake, since
	// values are plain; this many can be reported one by one.
	maxOperators = 256
	// maxNumber bounds the digits of a number, maxExponent its exponent.
	maxNumber   = 64
	maxExponent = 400
	// maxDiagnostics is how many problems of the parser are reported.
	maxDiagnostics = 1000
)

// readable reports whether the text can be given to the parser.
func (r *reader) readable() (config.Problem, bool) {
	problem := config.Problem{Position: config.Position{File: r.file}}
	if len(r.text) > maxText {
		problem.Message = fmt.Sprintf("is larger than %d MiB", maxText>>20)
		return problem, false
	}
	if isPlainText(r.text) {
		return problem, true
	}
	tokens, _ := hclsyntax.LexConfig(r.text, r.file, hcl.InitialPos) // the parser finds the same again
	depth, operators := 0, 0
	for i, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenNumberLit:
			if !isShort(token.Bytes) {
				problem.Message = "the number is too large for any key"
			}
		}
		if isOperator(tokens, i) {
			operators++
		}
		switch {
		case depth > maxBrackets:
			problem.Message = fmt.Sprintf("brackets stand in each other more than %d deep", maxBrackets)
		case operators > maxOperators:
			problem.Message, problem.Hint = "there are no expressions, and this text has hundreds", "values are text in quotes, numbers, true, false, lists and tables"
		}
		if problem.Message != "" {
			problem.Position = r.place(token.Range.Start)
			return problem, false
		}
	}
	return problem, true
}

// isOperator reports whether a token makes an expression of plain values. The
// sign of a number does not.
func isOperator(tokens hclsyntax.Tokens, i int) bool {
	switch tokens[i].Type {
	case hclsyntax.TokenMinus:
		return i+1 == len(tokens) || tokens[i+1].Type != hclsyntax.TokenNumberLit
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenPercent, hclsyntax.TokenBang, hclsyntax.TokenQuestion,
		hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenDot, hclsyntax.TokenEllipsis, hclsyntax.TokenFatArrow,
		hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	case hclsyntax.TokenOBrack: // an index, behind another bracket
		return i > 0 && (tokens[i-1].Type == hclsyntax.TokenCBrack || tokens[i-1].Type == hclsyntax.TokenCParen || tokens[i-1].Type == hclsyntax.TokenIdent)
	}
	return false
}

// isShort reports whether a number is one that can be evaluated quickly.
func isShort(number []byte) bool {
	digits, exponent, ok := bytes.Cut(bytes.ToLower(number), []byte("e"))
	if !ok {
		exponent = []byte("0")
	}
	e, err := strconv.Atoi(string(exponent))
	return len(digits) <= maxNumber && err == nil && -maxExponent <= e && e <= maxExponent
}
