package onnx

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decode reads a model. External data lies in the folder or below; where that is "", none is read.
func Decode(content []byte, folder string) (*Model, error) {
	d := &decoder{external: external{path: folder, digest: sha256.New()}}
	d.external.digest.Write(content)
	defer d.external.close()
	m, err := d.model(content)
	if err == nil {
		err = m.Graph.check()
	}
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	m.SHA256 = fmt.Sprintf("%x", d.external.digest.Sum(nil))
	return m, nil
}

// decoder reads one file.
type decoder struct {
	external external
	items    int // read so far, of all kinds
}

// field is one field of a message: a number, or bytes.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64
	bytes  []byte
}

// errDamaged is of a file that is no protocol buffer.
var errDamaged = errors.New("not an ONNX file, or damaged")

// each calls visit for the fields of a message.
func each(message []byte, visit func(f field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errDamaged
		}
		message = message[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			f.value = uint64(v)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			return errDamaged // groups, which ONNX does not have
		}
		if n < 0 {
			return errDamaged
		}
		message = message[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// want checks the wire type of a known field.
func (f field) want(kind protowire.Type) error {
	if f.kind != kind {
		return errDamaged
	}
	return nil
}

// text is a field of at most so many bytes.
func (f field) text(most int) (string, error) {
	switch {
	case f.kind != protowire.BytesType || !utf8.Valid(f.bytes):
		return "", errDamaged
	case len(f.bytes) > most:
		return "", fmt.Errorf("a text of %d bytes: want at most %d", len(f.bytes), most)
	}
	return string(f.bytes), nil
}

// integer is the value of a number field.
func (f field) integer() (int64, error) { return int64(f.value), f.want(protowire.VarintType) }

// message is a field that holds a message, one more item.
func (d *decoder) message(f field) ([]byte, error) {
	if d.items++; d.items > maxItems {
		return nil, fmt.Errorf("more than %d nodes, tensors and settings", maxItems)
	}
	return f.bytes, f.want(protowire.BytesType)
}

func (d *decoder) model(content []byte) (*Model, error) {
	m := &Model{}
	graphs := 0
	var name, version string
	err := each(content, func(f field) (err error) {
		switch f.number {
		case 1:
			m.IRVersion, err = f.integer()
		case 2:
			name, err = f.text(maxName)
		case 3:
			version, err = f.text(maxName)
		case 7:
			if graphs++; graphs > 1 {
				return errors.New("two graphs: want one")
			}
			var b []byte
			if b, err = d.message(f); err == nil {
				err = d.graph(b, &m.Graph)
			}
		case 8:
			err = d.opset(f, m)
		case 14:
			err = d.property(f, &m.Metadata)
		case 25:
			err = errors.New("functions of its own: want standard operators; export without them")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if graphs == 0 {
		return nil, errDamaged
	}
	m.Producer = name
	if version != "" {
		m.Producer += " " + version
	}
	return m, nil
}

func (d *decoder) opset(f field, m *Model) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	var domain string
	var version int64
	err = each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			domain, err = f.text(maxName)
		case 2:
			version, err = f.integer()
		}
		return err
	})
	if standard(domain) == "" {
		m.Opset = version
	}
	return err
}

// standard is the domain, "" for both names of that of standard operators.
func standard(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (d *decoder) property(f field, to *[]Property) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	var p Property
	err = each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			p.Key, err = f.text(maxName)
		case 2:
			p.Value, err = f.text(maxText)
		}
		return err
	})
	*to = append(*to, p)
	return err
}

func (d *decoder) graph(b []byte, g *Graph) error {
	err := each(b, func(f field) (err error) {
		var b []byte
		switch f.number {
		case 2:
			g.Name, err = f.text(maxName)
			return err
		case 1, 5, 11, 12:
			if b, err = d.message(f); err != nil {
				return err
			}
		}
		switch f.number {
		case 1:
			var n Node
			n, err = d.node(b)
			g.Nodes = append(g.Nodes, n)
		case 5:
			var t Tensor
			t, err = d.tensor(b)
			g.Constants = append(g.Constants, t)
		case 11:
			err = d.info(b, &g.Inputs)
		case 12:
			err = d.info(b, &g.Outputs)
		case 15:
			err = errors.New("sparse constants: want dense ones")
		}
		return err
	})
	constant := map[string]bool{}
	for _, t := range g.Constants {
		constant[t.Name] = true
	}
	g.Inputs = slices.DeleteFunc(g.Inputs, func(i Info) bool { return constant[i.Name] }) // as files of IR version 3 have them
	return err
}

func (d *decoder) node(b []byte) (n Node, err error) {
	err = each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			err = d.name(f, &n.Inputs)
		case 2:
			err = d.name(f, &n.Outputs)
		case 3:
			n.Name, err = f.text(maxName)
		case 4:
			n.Op, err = f.text(maxName)
		case 5:
			var a Attribute
			if a, err = d.attribute(f); err == nil {
				n.Attributes = append(n.Attributes, a)
			}
		case 7:
			n.Domain, err = f.text(maxName)
			n.Domain = standard(n.Domain)
		}
		return err
	})
	return n, err
}

func (d *decoder) name(f field, to *[]string) error {
	if _, err := d.message(f); err != nil {
		return err
	}
	name, err := f.text(maxName)
	*to = append(*to, name)
	return err
}

func (d *decoder) attribute(f field) (a Attribute, err error) {
	b, err := d.message(f)
	if err != nil {
		return a, err
	}
	var kind AttributeKind // by the field that is there: early files have no type
	err = each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			a.Name, err = f.text(maxName)
		case 20:
			var v int64
			v, err = f.integer()
			a.Kind = AttributeKind(v)
		case 2:
			kind, a.Float, err = KindFloat, float32From(f), f.want(protowire.Fixed32Type)
		case 3:
			kind = KindInt
			a.Int, err = f.integer()
		case 4:
			kind = KindText
			a.Text, err = f.text(maxName)
		case 5:
			kind = KindTensor
			var b []byte
			if b, err = d.message(f); err == nil {
				var t Tensor
				t, err = d.tensor(b)
				a.Tensor = &t
			}
		case 8:
			kind = KindInts
			a.Ints, err = appendInts(a.Ints, f, maxList)
		}
		return err
	})
	if a.Kind == 0 {
		a.Kind = kind
	}
	if err == nil && kind != 0 && kind != a.Kind {
		err = fmt.Errorf("attribute %q is of another type than it says", a.Name)
	}
	return a, err
}

func (d *decoder) info(b []byte, to *[]Info) error {
	var i Info
	err := each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			i.Name, err = f.text(maxName)
		case 2:
			if err = f.want(protowire.BytesType); err == nil {
				err = i.typed(f.bytes)
			}
		}
		return err
	})
	*to = append(*to, i)
	return err
}

// typed reads the type of an input or output: TypeProto, whose tensor_type is field 1.
func (i *Info) typed(b []byte) error {
	return each(b, func(f field) error {
		if f.number != 1 || f.kind != protowire.BytesType {
			return nil
		}
		return each(f.bytes, func(f field) (err error) {
			switch {
			case f.number == 1:
				var v int64
				v, err = f.integer()
				i.Type = Type(v)
			case f.number == 2 && f.kind == protowire.BytesType:
				err = each(f.bytes, i.dimension)
			}
			return err
		})
	})
}

func (i *Info) dimension(f field) error {
	if f.number != 1 || f.kind != protowire.BytesType {
		return nil
	}
	if len(i.Dims) == maxRank {
		return fmt.Errorf("input or output %q: more than %d dimensions", i.Name, maxRank)
	}
	i.Dims = append(i.Dims, -1)
	return each(f.bytes, func(f field) (err error) {
		if f.number == 1 {
			i.Dims[len(i.Dims)-1], err = f.integer()
		}
		return err
	})
}
