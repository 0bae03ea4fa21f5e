package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// schema is a JSON schema, or a part of one.
type schema map[string]any

// form is the keys of a mapping that is no part of a point.
type form []struct {
	name     string
	required bool
	schema   schema
}

func (f form) names() []string {
	var names []string
	for _, k := range f {
		names = append(names, k.name)
	}
	return names
}

func (f form) required() []string {
	var names []string
	for _, k := range f {
		if k.required {
			names = append(names, k.name)
		}
	}
	return names
}

// form returns the values of a mapping of that form by key.
func (r *reader) form(where string, n *yaml.Node, f form) map[string]*yaml.Node {
	keys := r.mapping(where, n, f.names())
	r.require(where, n, keys, f.required()...)
	return keys
}

// described is what editors show of s, too.
func (s schema) described(want string) schema {
	d := maps.Clone(s)
	d["description"] = want
	return d
}

func patterned(re *regexp.Regexp) schema { return schema{"type": "string", "pattern": re.String()} }

// defined is the schema that Schema defines under name.
func defined(name string) schema { return schema{"$ref": "#/$defs/" + name} }

// some is a list of at least one element.
func some(element schema) schema { return schema{"type": "array", "items": element, "minItems": 1} }

func anyOf(schemas ...schema) schema {
	if len(schemas) == 1 {
		return schemas[0]
	}
	return schema{"anyOf": schemas}
}

// mappingOf is a mapping with no other keys than those of f.
func mappingOf(f form) schema {
	properties := schema{}
	for _, k := range f {
		properties[k.name] = k.schema
	}
	s := closed(properties)
	if required := f.required(); required != nil {
		s["required"] = required
	}
	return s
}

func closed(properties schema) schema {
	return schema{"type": "object", "properties": properties, "additionalProperties": false}
}

// Schema is the JSON schema (draft 2020-12) of config files, for editors. It knows keys, types, names and ranges; what does
// not go together, and what is missing in the end, as a base may lack anything, is for Parse.
func Schema() []byte {
	top := form{{"version", false, whole(1, 1).schema}, {"name", false, identifier.schema}, {"extends", false, listOf(1, maxDepth, fileName).schema}}
	for _, key := range children[""] {
		top = append(top, form{{key, false, defined(key)}}...)
	}
	top = append(top, form{
		{"sweep", false, mappingOf(sweepForm)}, {"limits", false, mappingOf(limitsForm)}, {"figures", false, some(figureSchema())},
		{"tables", false, some(mappingOf(tableForm))}, {"expect", false, some(expectSchema())},
	}...)
	s := mappingOf(top)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "An experiment of hepex"
	s["description"] = "Written by hepex schema. The reference is go doc ./harness/config."
	s["$defs"] = definitions()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		panic("config: schema: " + err.Error()) // it has texts, numbers, lists and maps only
	}
	return text.Bytes()
}

// definitions are the schema of every key and section of a point by dotted path, and what sweep and expect are made of.
func definitions() schema {
	defs := schema{
		"range":      mappingOf(rangeForm),
		"when":       mappingOf(whenForm),
		"comparison": patterned(comparisonText),
	}
	for _, f := range fields {
		defs[f.path] = f.schema
	}
	grid, match, special, condition := schema{}, schema{}, schema{"label": label.schema}, schema{}
	var parameters []string
	for _, path := range paths() {
		f := byPath[path]
		if f == nil {
			properties := schema{}
			for _, child := range children[path] {
				properties[child] = defined(join(path, child))
			}
			defs[path] = closed(properties)
		}
		if notVarying(path) != "" {
			continue
		}
		several := []schema{some(defined(path))}
		if IsNumber(path) {
			several = append(several, defined("range"))
		}
		grid[path] = anyOf(several...)
		special[path] = anyOf(append(several, defined(path))...)
		if f == nil {
			continue
		}
		parameters = append(parameters, path)
		match[path], condition[path] = defined(path), defined(path)
		if IsNumber(path) {
			condition[path] = anyOf(defined(path), defined("comparison"))
		}
	}
	defs["grid"], defs["match"], defs["case"] = atLeastOne(grid), atLeastOne(match), atLeastOne(special)
	defs["parameter"] = schema{"enum": parameters}
	conditions := atLeastOne(condition)
	conditions["additionalProperties"] = defined("comparison") // of a metric
	inSection := schema{"pattern": `^(` + strings.Join(children[""], "|") + `)(\.|$)`}
	conditions["propertyNames"] = anyOf(defined("parameter"), schema{"pattern": refName.schema["pattern"], "not": inSection})
	defs["conditions"] = conditions
	return defs
}

func atLeastOne(properties schema) schema {
	s := closed(properties)
	s["minProperties"] = 1
	return s
}

// paths are the dotted paths of all keys and sections of a point.
func paths() []string {
	all := slices.Collect(maps.Keys(byPath))
	for path := range children {
		if path != "" {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}
