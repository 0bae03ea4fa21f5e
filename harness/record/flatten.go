package record

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Field is one value of a record: its dotted path in the JSON and the value as text.
type Field struct {
	Path, Value string
	column      int // place of the path in the record type; entries of one map share theirs
}

// Flatten lists the values of r in the order of the record format. Sections that the attempt did not
// reach are listed too, with empty values, so that every record has the same columns but for its
// parameters and other maps. Lists of numbers are joined with spaces, those of texts with semicolons; lists of layers
// and the log of an error are left to the JSON. So is the quality on random inputs, which says nothing.
func Flatten(r *Record) []Field {
	f := flattener{}
	f.walk("", reflect.ValueOf(r).Elem(), true)
	for i := range f.fields {
		if _, judged := qualityLabels[f.fields[i].Path]; judged && r.Random() {
			f.fields[i].Value = ""
		}
	}
	return f.fields
}

// Columns are the paths that any record of the set has, in the order of the record format.
func (s Set) Columns() []string {
	seen := make(map[string]bool)
	var all []Field
	for _, r := range s {
		for _, f := range Flatten(r) {
			if !seen[f.Path] {
				seen[f.Path] = true
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.column, b.column), strings.Compare(a.Path, b.Path))
	})
	paths := make([]string, len(all))
	for i, f := range all {
		paths[i] = f.Path
	}
	return paths
}

type flattener struct {
	fields []Field
	column int
}

// walk adds v and what it holds under path. What is not present has empty values, but takes up its
// columns all the same.
func (f *flattener) walk(path string, v reflect.Value, present bool) {
	switch {
	case v.Type().Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		f.add(path, marshalled(v), present)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v, present = reflect.New(v.Type().Elem()), false
		}
		f.walk(path, v.Elem(), present)
	case v.Kind() == reflect.Struct:
		f.walkStruct(path, v, present)
	case v.Kind() == reflect.Map:
		for _, name := range slices.Sorted(maps.Keys(keys(v))) {
			f.fields = append(f.fields, Field{path + "." + name, text(v.MapIndex(reflect.ValueOf(name)).Interface()), f.column})
		}
		f.column++
	case v.Kind() == reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct {
			f.add(path, joined(v), present)
		}
	default:
		f.add(path, text(v.Interface()), present)
	}
}

func (f *flattener) walkStruct(path string, v reflect.Value, present bool) {
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if path != "" {
			name = path + "." + name
		}
		if name == "error.log" {
			continue
		}
		field := v.Field(i)
		f.walk(name, field, present && (options != "omitempty" || !field.IsZero()))
	}
}

func (f *flattener) add(path, value string, present bool) {
	if !present {
		value = ""
	}
	f.fields = append(f.fields, Field{path, value, f.column})
	f.column++
}

func keys(m reflect.Value) map[string]bool {
	names := make(map[string]bool, m.Len())
	for _, k := range m.MapKeys() {
		names[k.String()] = true
	}
	return names
}

func joined(list reflect.Value) string {
	parts := make([]string, list.Len())
	for i := range parts {
		parts[i] = text(list.Index(i).Interface())
	}
	separator := " "
	if list.Type().Elem().Kind() == reflect.String {
		separator = "; "
	}
	return strings.Join(parts, separator)
}

func marshalled(v reflect.Value) string {
	b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(b)
}
