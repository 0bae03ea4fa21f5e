package onnx

import "fmt"

// check wants every name defined once, and before it is read.
func (g *Graph) check() error {
	defined := map[string]bool{}
	define := func(name, what string) error {
		switch {
		case name == "":
			return fmt.Errorf("%s without a name", what)
		case defined[name]:
			return fmt.Errorf("%s %q: the name is taken: want names that are defined once", what, name)
		}
		defined[name] = true
		return nil
	}
	for _, t := range g.Constants {
		if err := define(t.Name, "constant"); err != nil {
			return err
		}
	}
	for _, i := range g.Inputs {
		if err := define(i.Name, "input"); err != nil {
			return err
		}
	}
	made := map[string]bool{}
	for _, n := range g.Nodes {
		for _, name := range n.Outputs {
			made[name] = true
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, name := range n.Inputs {
			switch {
			case name == "" || defined[name]: // "" is an input left out
			case made[name]:
				return fmt.Errorf("node %s reads %q before it is computed: want nodes in order, without cycles", n.Label(), name)
			default:
				return fmt.Errorf("node %s reads %q, which nothing computes", n.Label(), name)
			}
		}
		if len(n.Outputs) == 0 {
			return fmt.Errorf("node %s has no output", n.Label())
		}
		for _, name := range n.Outputs {
			if name == "" {
				continue // an output left out
			}
			if err := define(name, "output"); err != nil {
				return err
			}
		}
	}
	for _, o := range g.Outputs {
		if !defined[o.Name] {
			return fmt.Errorf("output %q: nothing computes it", o.Name)
		}
	}
	return nil
}

// Label names a node in messages: by its name, or by its first output.
func (n *Node) Label() string {
	name := n.Name
	if name == "" && len(n.Outputs) > 0 {
		name = n.Outputs[0]
	}
	return fmt.Sprintf("%q (%s)", name, n.Op)
}
