package config

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"hepex/packing"
	"hepex/pruning"
)

// kind is a kind of value: what it wants to be, for error messages and for schemas, and how it reads.
type kind[T any] struct {
	want   string
	schema schema
	read   func(n *yaml.Node) (T, *fault)
}

// read returns the value of the key at path, and the zero value if it is absent (n is nil) or wrong.
func read[T any](r *reader, path string, n *yaml.Node, k kind[T]) (v T) {
	if n == nil {
		return v
	}
	v, f := k.read(n)
	if f != nil {
		r.errorf(f.node, "%s: %s", path, f.text)
	}
	return v
}

// scalar is a kind of single values. parse is given all but nulls.
func scalar[T any](want string, s schema, parse func(n *yaml.Node) (T, bool)) kind[T] {
	return kind[T]{want, s.described(want), func(n *yaml.Node) (v T, f *fault) {
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			if v, ok := parse(n); ok {
				return v, nil
			}
		}
		return v, &fault{n, fmt.Sprintf("got %s; want %s", describe(n), want)}
	}}
}

// matching is a kind of texts.
func matching(want, pattern string) kind[string] {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	return scalar(want, patterned(re), func(n *yaml.Node) (string, bool) { return n.Value, re.MatchString(n.Value) })
}

// identifier is a name that can be that of a file.
var identifier = matching("lower case letters, digits and hyphens, at most 64", "[a-z0-9][a-z0-9-]{0,63}")

// label is a short text, such as what a person calls a point.
var label = line("one line of text, at most 64 characters", 64)

// line is a kind of printable texts of at most so many characters.
func line(want string, most int) kind[string] {
	return scalar(want, schema{"type": "string", "minLength": 1, "maxLength": most}, func(n *yaml.Node) (string, bool) {
		unprintable := strings.ContainsFunc(n.Value, func(c rune) bool { return !unicode.IsPrint(c) })
		return n.Value, n.Value != "" && utf8.RuneCountInString(n.Value) <= most && !unprintable
	})
}

func oneOf(names ...string) kind[string] {
	return scalar(either(names), schema{"enum": names}, func(n *yaml.Node) (string, bool) { return n.Value, slices.Contains(names, n.Value) })
}

var boolean = scalar("true or false", schema{"type": "boolean"}, func(n *yaml.Node) (v, ok bool) {
	return n.Value == "true", n.Style == 0 && (n.Value == "true" || n.Value == "false")
})

// Numbers are plain decimals only: YAML would read 010 as 8 and 1_0 as 10. The bounds on digits and exponent
// keep exact arithmetic small.
var (
	startsNumber = regexp.MustCompile(`^[-+]?\.?[0-9]`)
	decimalInt   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]{0,17})$`)
	decimalFloat = regexp.MustCompile(`^[-+]?((0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?|\.[0-9]{1,30})([eE][-+]?[0-9]{1,2})?$`)
)

// plainly tells those who write a number in another notation what is wrong with it.
func plainly[T any](k kind[T]) kind[T] {
	return kind[T]{k.want, k.schema, func(n *yaml.Node) (T, *fault) {
		v, f := k.read(n)
		if f != nil && n.Kind == yaml.ScalarNode && startsNumber.MatchString(n.Value) && !decimalFloat.MatchString(n.Value) {
			f.text = fmt.Sprintf("got %s, which is not a plain decimal number; want %s", describe(n), k.want)
		}
		return v, f
	}}
}

// whole is a kind of whole numbers from least to most.
func whole(least, most int) kind[int] {
	want, s := fmt.Sprintf("a whole number from %d to %d", least, most), schema{"type": "integer", "minimum": least, "maximum": most}
	if least == most {
		want, s = strconv.Itoa(least), schema{"const": least}
	}
	return plainly(scalar(want, s, func(n *yaml.Node) (int, bool) {
		v, err := strconv.Atoi(n.Value)
		return v, err == nil && n.Style == 0 && decimalInt.MatchString(n.Value) && least <= v && v <= most
	}))
}

// number is a kind of numbers between bounds, which are written as in 0 ≤ ratio < 1.
func number(want string) kind[float64] {
	var low, high float64
	var name, above, below string
	_, err := fmt.Sscan(want, &low, &above, &name, &below, &high)
	least := map[string]string{"<": "exclusiveMinimum", "≤": "minimum"}[above]
	most := map[string]string{"<": "exclusiveMaximum", "≤": "maximum"}[below]
	if err != nil || least == "" || most == "" {
		panic(fmt.Sprintf("config: %q are no bounds", want))
	}
	s := schema{"type": "number", least: low, most: high}
	return float(want, s, func(v float64) bool {
		return low <= v && v <= high && (v != low || above == "≤") && (v != high || below == "≤")
	})
}

// float is a kind of numbers that satisfy ok.
func float(want string, s schema, ok func(v float64) bool) kind[float64] {
	return plainly(scalar(want, s, func(n *yaml.Node) (float64, bool) {
		v, err := strconv.ParseFloat(n.Value, 64)
		if v == 0 {
			v = 0 // without the sign of -0
		}
		return v, err == nil && n.Style == 0 && decimalFloat.MatchString(n.Value) && ok(v)
	}))
}

// decimal is a kind of exact numbers.
var decimal = plainly(scalar("a number", schema{"type": "number"}, func(n *yaml.Node) (*big.Rat, bool) {
	if n.Style != 0 || !decimalFloat.MatchString(n.Value) {
		return nil, false
	}
	return new(big.Rat).SetString(n.Value)
}))

// listOf is a kind of lists of least to most elements. Its faults are those of the first bad element.
func listOf[T any](least, most int, element kind[T]) kind[[]T] {
	want := fmt.Sprintf("a list of %d to %d elements, each %s", least, most, element.want)
	s := schema{"type": "array", "items": element.schema, "minItems": least, "maxItems": most}
	return kind[[]T]{want, s.described(want), func(n *yaml.Node) ([]T, *fault) {
		if n.Kind != yaml.SequenceNode {
			return nil, &fault{n, fmt.Sprintf("got %s; want %s", describe(n), want)}
		}
		if len(n.Content) < least || len(n.Content) > most {
			return nil, &fault{n, fmt.Sprintf("got a list of %d; want %s", len(n.Content), want)}
		}
		var list []T
		for _, child := range n.Content {
			v, f := element.read(child)
			if f != nil {
				return nil, f
			}
			list = append(list, v)
		}
		return list, nil
	}}
}

// steps are those of a custom scheme.
var steps = listOf(1, 64, kind[string]{"a step such as prune weights 0.9", label.schema, func(n *yaml.Node) (string, *fault) {
	text, f := label.read(n)
	if f != nil {
		return "", f
	}
	if err := pruning.CheckStep(text); err != nil {
		return "", &fault{n, err.Error()}
	}
	return text, nil
}})

const wantShape = "a shape such as 16x16x32 or {in: 16, out: 16, batch: 32}, or auto or {batch: 32} to have it chosen"

// tileShape is a shape as text or as a mapping. One that is to be chosen has zeros where it is open.
var (
	tileShape = kind[packing.Shape]{wantShape, schema{"description": wantShape, "anyOf": []schema{
		{"const": "auto"},
		{"type": "string", "pattern": `^[0-9]+x[0-9]+x[0-9]+$`},
		mappingOf(form{{"in", false, side.schema}, {"out", false, side.schema}, {"batch", true, side.schema}}),
	}}, readShape}
	shapeText = matching(wantShape, ".+")
	side      = whole(1, packing.MaxSlots)
)

func readShape(n *yaml.Node) (shape packing.Shape, f *fault) {
	if n.Kind != yaml.MappingNode {
		text, f := shapeText.read(n)
		if f != nil {
			return shape, f
		}
		if text == "auto" {
			return shape, nil
		}
		shape, err := packing.ParseShape(clip(text))
		return shape, shapeFault(n, err)
	}
	parts := map[string]*int{"in": &shape.In, "out": &shape.Out, "batch": &shape.Batch}
	for key, value := range pairs(n) {
		part := parts[key.Value]
		if part == nil {
			return shape, &fault{key, fmt.Sprintf("unknown key %q; want %s", clip(key.Value), wantShape)}
		}
		delete(parts, key.Value)
		if *part, f = side.read(value); f != nil {
			return shape, f
		}
	}
	if len(parts) == 2 && shape.Batch > 0 {
		if (packing.Shape{In: 1, Out: 1, Batch: shape.Batch}).Check() != nil {
			return shape, &fault{n, fmt.Sprintf("batch %d is not a power of two from 1 to %d", shape.Batch, packing.MaxSlots)}
		}
		return shape, nil
	}
	if len(parts) > 0 {
		return shape, &fault{n, "a part is missing; want " + wantShape}
	}
	return shape, shapeFault(n, shape.Check())
}

// shapeFault drops the word that starts both the error and the path of the only key with a shape.
func shapeFault(n *yaml.Node, err error) *fault {
	if err == nil {
		return nil
	}
	return &fault{n, strings.TrimPrefix(err.Error(), "tile ")}
}

var duration = scalar("a time such as 90s, 20m or 1h30m, more than 0", schema{"type": "string", "pattern": `^\+?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+$`}, func(n *yaml.Node) (time.Duration, bool) {
	d, err := time.ParseDuration(n.Value)
	return d, err == nil && d > 0
})

var memorySize = regexp.MustCompile(`^([1-9][0-9]{0,5})([KMGT]iB)$`)

// memory is a kind of sizes in bytes.
var memory = scalar("a size such as 512MiB or 16GiB", patterned(memorySize), func(n *yaml.Node) (int64, bool) {
	m := memorySize.FindStringSubmatch(n.Value)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(m[1], 10, 64)
	return v << map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[m[2]], err == nil
})

// ParseMemory reads a size in bytes, written as in limits.memory.
func ParseMemory(text string) (int64, error) {
	v, f := memory.read(&yaml.Node{Kind: yaml.ScalarNode, Value: text})
	if f != nil {
		return 0, errors.New(f.text)
	}
	return v, nil
}
