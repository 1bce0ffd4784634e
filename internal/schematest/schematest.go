// Package schematest holds lines of the stream against its schema, in tests.
package schematest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"pid1/event/schema"
)

// Line reports what is wrong with a line of the stream. It is stricter than the
// schema, which allows fields and types that are not known yet: none of those may
// be in what this version writes.
func Line(line []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return fmt.Errorf("no JSON: %w: %s", err, line)
	}
	s, err := strict()
	if err != nil {
		return err
	}
	if err := s.Validate(v); err != nil {
		return fmt.Errorf("not by the schema: %w: %s", err, line)
	}
	return nil
}

// Lines is Line for all lines of a text.
func Lines(text []byte) error {
	for line := range bytes.Lines(text) {
		if err := Line(line); err != nil {
			return err
		}
	}
	return nil
}

// Loose compiles the schema as it is.
var Loose = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile(schema.JSON) })

// strict compiles the schema with the doors closed that it leaves open.
var strict = sync.OnceValues(func() (*jsonschema.Schema, error) {
	var all map[string]any
	if err := json.Unmarshal(schema.JSON, &all); err != nil {
		return nil, err
	}
	all["properties"].(map[string]any)["type"] = map[string]any{"enum": Types()}
	for _, def := range all["$defs"].(map[string]any) {
		def.(map[string]any)["additionalProperties"] = false
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return compile(text)
})

func compile(text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("stream.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("stream.json")
}

// Types returns the types the schema knows, in its order.
func Types() []string {
	var all struct {
		AllOf []struct {
			If struct {
				Properties struct {
					Type struct {
						Const string `json:"const"`
					} `json:"type"`
				} `json:"properties"`
			} `json:"if"`
		} `json:"allOf"`
	}
	if err := json.Unmarshal(schema.JSON, &all); err != nil {
		panic(err) // it is part of the program
	}
	var types []string
	for _, branch := range all.AllOf {
		types = append(types, branch.If.Properties.Type.Const)
	}
	return types
}
