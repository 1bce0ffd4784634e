package schematest

import (
	"regexp"
	"strings"
)

// Example finds the example of a type in the text of docs/protocol.md: the block of
// JSON below the type's heading.
func Example(doc, typ string) (line string, ok bool) {
	at := place(doc, typ)
	if at == nil {
		return "", false
	}
	return doc[at[2]:at[3]], true
}

// SetExample puts another line in its place.
func SetExample(doc, typ, line string) (string, bool) {
	at := place(doc, typ)
	if at == nil {
		return doc, false
	}
	return doc[:at[2]] + strings.TrimSuffix(line, "\n") + doc[at[3]:], true
}

func place(doc, typ string) []int {
	re := regexp.MustCompile("(?s)\n### `" + regexp.QuoteMeta(typ) + "`\n(?:[^#`]|`[^`\n]+`)*?\n```json\n(.*?)\n```\n")
	return re.FindStringSubmatchIndex(doc)
}
