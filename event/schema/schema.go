// Package schema holds the JSON Schema of the stream (draft 2020-12), for readers
// that are not written in Go, and for tests.
//
// The schema is as strict as the stream promises to be and no stricter: a reader
// must ignore fields and types it does not know, so both are valid.
package schema

import _ "embed"

// JSON is the schema of one line of the stream.
//
//go:embed stream.json
var JSON []byte
