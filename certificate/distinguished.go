package certificate

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
)

// attributes are the short names that RFC 4514 (section 3) gives to parts of a
// name, and those that others print for the address of a person and a number.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
	"2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	"2.5.4.5": "serialNumber", "1.2.840.113549.1.9.1": "emailAddress",
}

// DistinguishedName writes a name in DER, such as the RawSubject of a
// certificate, as RFC 2253 (now RFC 4514) has it: the last part first,
// "CN=Ann,O=Example". What is not printable ASCII is written as \ and two
// digits for each byte, so that the string fits into a header field and into a
// line of a log. It is "" for what is no name.
func DistinguishedName(der []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		return ""
	}
	var b strings.Builder
	for i := len(name) - 1; i >= 0; i-- {
		if i < len(name)-1 {
			b.WriteByte(',')
		}
		for j, part := range name[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			writeAttribute(&b, part)
		}
	}
	return b.String()
}

// writeAttribute writes one part. A type without a short name, or a value that
// is no string, is written in a form that any reader can decode (RFC 4514
// section 2.4).
func writeAttribute(b *strings.Builder, part pkix.AttributeTypeAndValue) {
	oid := part.Type.String()
	value, isString := part.Value.(string)
	if short, known := attributes[oid]; known && isString {
		b.WriteString(short + "=")
		writeEscaped(b, value)
		return
	}
	b.WriteString(oid + "=")
	der, err := asn1.Marshal(part.Value)
	if err != nil {
		writeEscaped(b, fmt.Sprint(part.Value))
		return
	}
	b.WriteString("#" + hex.EncodeToString(der))
}

// writeEscaped writes a value by RFC 4514 section 2.4.
func writeEscaped(b *strings.Builder, value string) {
	for i := range len(value) {
		c := value[i]
		switch {
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(b, `\%02X`, c)
			continue
		case strings.IndexByte(`,+"\<>;`, c) >= 0,
			c == ' ' && (i == 0 || i == len(value)-1),
			c == '#' && i == 0:
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}
