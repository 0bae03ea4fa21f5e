package serve

import (
	"encoding/json"
	"fmt"
	"io"

	"hepex/inference"
	"hepex/packing"
)

// public is what everybody may know of a network: all but its weights.
type public struct {
	Packing   int               `json:"packing"`   // versions of what the layout
	Inference int               `json:"inference"` // and the files follow from
	Outline   packing.Outline   `json:"outline"`
	Literal   inference.Literal `json:"literal"`
	Usage
}

// program is a network without its weights, ready to be used.
type program struct {
	public
	id     string
	layout *packing.Layout
	params inference.Parameters
}

// program is that of the network, with the packed model.
func (n *Network) program(id string) (*program, *packing.Model, error) {
	m, err := n.Model()
	if err != nil {
		return nil, nil, err
	}
	p := &program{
		public: public{n.Choice.Kind.Version(), inference.Version, m.Outline(n.Choice.Encrypted), n.Literal, n.Usage}, id: id, layout: m.Layout,
	}
	return p, m, p.derive()
}

// derive makes parameters, which must suit the layout.
func (p *program) derive() (err error) {
	if p.params, err = inference.NewParameters(p.Literal, false); err != nil {
		return err
	}
	return p.params.CheckRange(p.layout, packing.Profile{})
}

// encrypted tells whether weights are.
func (p *program) encrypted() bool { return p.Outline.Choice.Encrypted }

func (p *program) write(path string) error {
	return write(path, header{Kind: kindPublic, Model: p.id}, func(w io.Writer) error { return json.NewEncoder(w).Encode(p.public) })
}

func readProgram(path string) (*program, error) {
	f, err := open(path, kindPublic)
	if err != nil {
		return nil, err
	}
	p := &program{id: f.Model}
	err = f.read(func(r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, longestLine))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &p.public); err != nil {
			return err
		}
		if version := p.Outline.Choice.Kind.Version(); p.Packing != version || p.Inference != inference.Version {
			return fmt.Errorf("made by another version of hepex (packing %d, inference %d; this one has %d, %d): pack the network again",
				p.Packing, p.Inference, version, inference.Version)
		}
		if p.layout, err = p.Outline.Layout(); err != nil {
			return err
		}
		return p.derive()
	})
	return p, err
}
