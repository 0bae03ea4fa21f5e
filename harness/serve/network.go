package serve

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// The files of folders.
const (
	NetworkFile = "network.hepex"
	PublicFile  = "public.hepex"
	SecretFile  = "secret.hepex"
	KeysFile    = "keys.hepex"
	ModelFile   = "model.hepex"
)

// Network is a network with all that serving it takes.
type Network struct {
	Plan
	Folded *network.Folded
}

// Plan is how a network is packed and evaluated.
type Plan struct {
	Choice packing.Choice `json:"choice"`
	Orders [][]int        `json:"orders,omitempty"` // of neurons, by axis
	packing.Rescalings
	Literal inference.Literal `json:"literal"`
	Usage
}

// Usage is what a client has to know beyond layout and parameters.
type Usage struct {
	Low     float64 `json:"low"`     // inputs that the network was made for: from …
	High    float64 `json:"high"`    // … to
	Classes bool    `json:"classes"` // outputs are scores of classes
}

// Model is the packed network.
func (n *Network) Model() (*packing.Model, error) {
	m, err := n.Choice.Pack(n.Folded, n.Orders)
	if err != nil {
		return nil, err
	}
	m.Trim()
	return m, m.Rescale(n.Rescalings)
}

// content is the network in bytes, whose hash is its identity.
func (n *Network) content() ([]byte, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(n.Plan); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	_, err := n.Folded.WriteTo(&b)
	return b.Bytes(), err
}

func identity(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:identityBytes])
}

const identityBytes = 16

// newIdentity is that of a set of keys.
func newIdentity() string {
	b := make([]byte, identityBytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Write writes the network and what is public of it into a folder and, if weights are plain, the encoded model: but for keys, it is then a
// server's folder.
func (n *Network) Write(dir string) error {
	content, err := n.content()
	if err != nil {
		return err
	}
	id := identity(content)
	p, m, err := n.program(id)
	if err != nil {
		return err
	}
	err = write(filepath.Join(dir, NetworkFile), header{Kind: kindNetwork, Model: id}, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if _, err := z.Write(content); err != nil {
			return err
		}
		return z.Close()
	})
	if err != nil {
		return err
	}
	if !n.Choice.Encrypted {
		model, _, err := inference.EncodeModel(p.params, m)
		if err != nil {
			return err
		}
		if err := writeTo(filepath.Join(dir, ModelFile), header{Kind: kindModel, Model: id}, model); err != nil {
			return err
		}
	}
	return p.write(filepath.Join(dir, PublicFile)) // last: keys are drawn for a folder that has it
}

func writeTo(path string, h header, from io.WriterTo) error {
	return write(path, h, func(w io.Writer) error {
		_, err := from.WriteTo(w)
		return err
	})
}

// ReadNetwork reads the network that a folder holds.
func ReadNetwork(dir string) (*Network, error) {
	n, _, err := readNetwork(filepath.Join(dir, NetworkFile))
	return n, err
}

// readNetwork also gives the network's identity.
func readNetwork(path string) (*Network, string, error) {
	f, err := open(path, kindNetwork)
	if err != nil {
		return nil, "", err
	}
	n := &Network{Folded: &network.Folded{}}
	err = f.read(func(r io.Reader) error {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		sum := sha256.New()
		content := io.TeeReader(z, sum)
		line, err := readLine(content)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(line, &n.Plan); err != nil {
			return err
		}
		if _, err := n.Folded.ReadFrom(content); err != nil {
			return err
		}
		if _, err := io.ReadFull(z, make([]byte, 1)); err != io.EOF {
			return errors.New("more than a network")
		}
		if id := hex.EncodeToString(sum.Sum(nil)[:identityBytes]); id != f.Model {
			return fmt.Errorf("the network is %s: the first line says %s", id, f.Model)
		}
		return nil
	})
	return n, f.Model, err
}

// longestLine bounds the JSON of a network and of what is public of it.
const longestLine = 1 << 24

// readLine reads byte by byte, so that nothing beyond the line is taken.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	var b [1]byte
	for len(line) < longestLine {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return line, nil
		}
		line = append(line, b[0])
	}
	return nil, fmt.Errorf("a line of more than %d bytes", longestLine)
}

// holds tells which file of a folder holds one of the kinds, or "".
func holds(dir string, kinds ...kind) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		for _, k := range kinds {
			if f, err := open(path, k); err == nil {
				return path, f.f.Close()
			}
		}
	}
	return "", nil
}
