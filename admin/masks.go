package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"pingap/config"
)

// masks put something in the place of secrets, by which they are found again:
// who reads a section, changes a key and sends it back keeps its secrets without
// having seen them.
type masks struct {
	key [sha256.Size]byte // of this process, so that a mask tells nothing of a weak secret
}

// maskStart and maskEnd are around what tells masks apart.
const (
	maskStart = "(not shown: "
	maskEnd   = ")"
)

func newMasks() *masks {
	m := new(masks)
	rand.Read(m.key[:])
	return m
}

// of returns what stands for a secret.
func (m *masks) of(text string) string {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(text))
	return maskStart + hex.EncodeToString(h.Sum(nil)[:8]) + maskEnd
}

// hide returns a section's table with masks for its secrets.
func (m *masks) hide(kind string, table *config.Node) *config.Node {
	return config.Mask(kind, table, m.of)
}

// reveal puts the secrets of the stored section, which may be nil, where a table
// has their masks.
func (m *masks) reveal(kind string, table, stored *config.Node) error {
	secrets := map[string]string{}
	if stored != nil {
		config.Mask(kind, stored, func(text string) string {
			secrets[m.of(text)] = text
			return ""
		})
	}
	return replaceMasks(table, secrets)
}

func replaceMasks(n *config.Node, secrets map[string]string) error {
	for _, f := range n.Fields {
		if err := replaceMasks(f.Node, secrets); err != nil {
			return fmt.Errorf("%s: %w", f.Key, err)
		}
	}
	for _, item := range n.Items {
		if err := replaceMasks(item, secrets); err != nil {
			return err
		}
	}
	if n.Kind != config.KindString || !strings.HasPrefix(n.Text, maskStart) {
		return nil
	}
	secret, ok := secrets[n.Text]
	if !ok {
		return fmt.Errorf("%q stands for a secret that is no longer stored there: read the section again, or write the secret itself", n.Text)
	}
	n.Text = secret
	return nil
}
