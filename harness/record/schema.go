package record

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// NewerSchemaError is a whole record that a later version of the program wrote. It is neither read nor touched.
type NewerSchemaError struct {
	Path        string
	Has, Newest int // the schema of the record, and the latest that this program reads
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("record: %s has schema %d: this program reads up to %d; use the version of hepex that wrote it, or another folder (--out)", e.Path, e.Has, e.Newest)
}

// upgrade changes the fields of a record into those of the next schema. Numbers are of type json.Number.
type upgrade func(fields map[string]any) error

// upgrades is, by the schema they start from, the steps by which older records are read. Files stay as they are.
var upgrades = map[int]upgrade{}

// current brings the JSON of a record to the newest schema.
func current(text []byte, newest int, steps map[int]upgrade) ([]byte, error) {
	var head struct{ Schema int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	switch {
	case head.Schema == newest:
		return text, nil
	case head.Schema > newest:
		return nil, &NewerSchemaError{Has: head.Schema, Newest: newest}
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // seeds have 64 bits
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	for schema := head.Schema; schema < newest; schema++ {
		step := steps[schema]
		if step == nil {
			return nil, fmt.Errorf("schema %d: no way leads to %d", schema, newest)
		}
		if err := step(fields); err != nil {
			return nil, fmt.Errorf("schema %d to %d: %w", schema, schema+1, err)
		}
	}
	fields["schema"] = newest
	return json.Marshal(fields)
}
