package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"hepex/inference"
)

// Report is told how many batches of how many are done.
type Report func(done, of int)

// Keygen draws keys for a network of which from holds what is public: the secret key into the client's folder, evaluation keys
// into the server's, and the public file into both. Where weights are encrypted, from holds the network, and the server gets the model
// encrypted under the client's key; where they are plain, the server has its own.
func Keygen(from, client, server string) error {
	p, err := readProgram(filepath.Join(from, PublicFile))
	if err != nil {
		return err
	}
	if same(client, server) {
		return wrong(client, "client and server in one folder: the server must not have the secret key")
	}
	if p.encrypted() && same(from, server) {
		return wrong(server, "holds the network, whose weights the server is not to see: want another folder for the server")
	}
	secret := filepath.Join(client, SecretFile)
	if _, err := os.Stat(secret); !errors.Is(err, fs.ErrNotExist) {
		return wrong(secret, "exists; without it nobody can read what was encrypted under it: want another folder for the client, or delete it")
	}
	evaluation := filepath.Join(server, KeysFile)
	if _, err := os.Stat(evaluation); !errors.Is(err, fs.ErrNotExist) { // only who drew them could send them again, and keeps none
		return wrong(evaluation, "exists; without it nothing can be evaluated for the client that it is of: want another folder for the server, or delete it")
	}
	c, err := inference.NewClient(p.params, p.layout)
	if err != nil {
		return err
	}
	keys, err := c.Keys(p.encrypted())
	if err != nil {
		return err
	}
	id := newIdentity()
	if p.encrypted() {
		if err := p.encryptModel(from, server, id, c); err != nil {
			return err
		}
	}
	for _, dir := range []string{client, server} {
		if same(dir, from) {
			continue
		}
		if err := p.write(filepath.Join(dir, PublicFile)); err != nil {
			return err
		}
	}
	if err := writeTo(evaluation, header{Kind: kindKeys, Model: p.id, Keys: id}, keys); err != nil {
		return err
	}
	return writeTo(secret, header{Kind: kindSecret, Model: p.id, Keys: id}, c)
}

// same tells whether two paths are one folder, be it there or not.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	a, errX = filepath.Abs(a)
	b, errY = filepath.Abs(b)
	return errX == nil && errY == nil && a == b
}

// encryptModel encrypts the network of one folder for the server of another.
func (p *program) encryptModel(from, server, keys string, c *inference.Client) error {
	path := filepath.Join(from, NetworkFile)
	n, id, err := readNetwork(path)
	if err != nil {
		return err
	}
	if id != p.id {
		return wrong(path, "network %s: the public file is of network %s", id, p.id)
	}
	packed, err := n.Model()
	if err != nil {
		return err
	}
	m, _, err := c.EncryptModel(packed)
	if err != nil {
		return err
	}
	return writeTo(filepath.Join(server, ModelFile), header{Kind: kindModel, Model: p.id, Keys: keys}, m)
}

// Client encrypts samples and decrypts what comes of them.
type Client struct {
	*program
	keys   string // identity of the set
	client *inference.Client
}

// OpenClient reads a client's folder.
func OpenClient(dir string) (*Client, error) {
	p, err := readProgram(filepath.Join(dir, PublicFile))
	if err != nil {
		return nil, err
	}
	f, err := open(filepath.Join(dir, SecretFile), kindSecret)
	if err != nil {
		return nil, err
	}
	c := &Client{program: p, keys: f.Keys}
	err = f.read(func(r io.Reader) error {
		if err := f.of(p.id, ""); err != nil {
			return err
		}
		c.client, err = inference.ReadClient(p.params, p.layout, r)
		return err
	})
	return c, err
}

// batches is how many it takes for so many samples, of which there is at least one.
func (p *program) batches(samples int) int { return (samples-1)/p.layout.Batch + 1 } // a file may say that they are 2⁶³ − 1

// part is the samples of one batch: from and to.
func (p *program) part(batch, samples int) (from, to int) {
	return batch * p.layout.Batch, min((batch+1)*p.layout.Batch, samples)
}

// Encrypt writes the samples, as Samples reads them, encrypted, batch by batch.
func (c *Client) Encrypt(samples [][]float64, path string, report Report) error {
	if len(samples) == 0 {
		return errors.New("serve: no samples")
	}
	h := header{Kind: kindInputs, Model: c.id, Keys: c.keys, Samples: len(samples)}
	return write(path, h, func(w io.Writer) error {
		for b := range c.batches(len(samples)) {
			report(b, c.batches(len(samples)))
			from, to := c.part(b, len(samples))
			batch, err := c.client.Encrypt(samples[from:to])
			if err != nil {
				return err
			}
			if _, err := batch.WriteTo(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// Decrypt reads outputs: one slice for each sample, in order.
func (c *Client) Decrypt(path string, report Report) (outputs [][]float64, err error) {
	f, err := open(path, kindOutputs)
	if err != nil {
		return nil, err
	}
	err = f.read(func(r io.Reader) error {
		if err := f.of(c.id, c.keys); err != nil {
			return err
		}
		for b := range c.batches(f.Samples) {
			report(b, c.batches(f.Samples))
			batch, err := inference.NewOutput(c.params, c.layout)
			if err != nil {
				return err
			}
			if _, err := batch.ReadFrom(r); err != nil {
				return err
			}
			from, to := c.part(b, f.Samples)
			y, err := c.client.Decrypt(batch, to-from)
			if err != nil {
				return err
			}
			outputs = append(outputs, y...)
		}
		return nil
	})
	if errors.Is(err, inference.ErrRange) {
		err = fmt.Errorf("%w; inputs like none that the network was made for, or the outputs of other keys", err)
	}
	return outputs, err
}

// Labels are the classes of the highest scores.
func Labels(outputs [][]float64) []int {
	labels := make([]int, len(outputs))
	for i, scores := range outputs {
		for class, score := range scores {
			if score > scores[labels[i]] {
				labels[i] = class
			}
		}
	}
	return labels
}

// WriteText writes a line for each sample: its class or, for a network that gives values or if they are wanted, all outputs.
func (c *Client) WriteText(w io.Writer, outputs [][]float64, values bool) error {
	out := bufio.NewWriter(w)
	if c.Classes && !values {
		for _, label := range Labels(outputs) {
			fmt.Fprintln(out, label)
		}
		return out.Flush()
	}
	for _, y := range outputs {
		for i, v := range y {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}
