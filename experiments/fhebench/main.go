// Command fhebench is a submission to the FHE benchmarking suite of HomomorphicEncryption.org, workload ml-inference on MNIST. It is all of the
// suite's stages: each is a link to it, by whose name it knows what to do. scripts/fhebench.sh installs it.
//
// The suite starts stages from its root folder with the size, 0 to 3, as the only argument (server_preprocess_model gets none). Beside the
// executable, the folders single and batch hold a network each: the first for one image, in a one-image layout, the second for all other
// sizes, with an image in every slot. How many images there are, the file of pixels says.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"hepex/harness/atomicfile"
	"hepex/harness/serve"
)

func main() {
	executable, err := os.Executable()
	if err == nil {
		err = run(filepath.Dir(executable), filepath.Base(os.Args[0]), os.Args[1:], os.Stdout)
	}
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	var file *serve.Error
	if errors.As(err, &file) || errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

var errUsage = errors.New("usage")

// preprocessModel is the stage that is not told a size.
const preprocessModel = "server_preprocess_model"

// run does a stage, by its name. Build is the folder of the executables.
func run(build, name string, args []string, out io.Writer) error {
	if name == preprocessModel {
		return packModels(build)
	}
	s, ok := stages[name]
	if !ok {
		return fmt.Errorf("%w: %q is no stage of the suite; scripts/fhebench.sh makes links with the names of stages", errUsage, name)
	}
	if len(args) != 1 || !slices.Contains(sizes, args[0]) {
		return fmt.Errorf("%w: %s SIZE, which is 0, 1, 2 or 3", errUsage, name)
	}
	i := newInstance(build, slices.Index(sizes, args[0]))
	if err := atomicfile.Remove(s.result(i)); err != nil {
		return err
	}
	return s.do(i, out)
}

// sizes are what stages are told, and names those of their folders.
var (
	sizes = []string{"0", "1", "2", "3"}
	names = []string{"single", "small", "medium", "large"}
)

// networks are the folders of networks beside the executable.
var networks = []string{"single", "batch"}

// instance is where the files of a size are.
type instance struct {
	network     string // folder of the server's network
	publicKeys  string
	secretKey   string
	pixels      string // file of the suite
	samples     string
	inputs      string
	outputs     string
	scores      string
	predictions string // file of the suite
}

func newInstance(build string, size int) instance {
	network := networks[min(size, len(networks)-1)]
	in := func(parts ...string) string {
		return filepath.Join(append([]string{"io", names[size]}, parts...)...)
	}
	return instance{
		network:     filepath.Join(build, network),
		publicKeys:  in("public_keys"),
		secretKey:   in("secret_key"),
		pixels:      filepath.Join("datasets", names[size], "intermediate", "test_pixels.txt"),
		samples:     in("intermediate", "samples.hepex"),
		inputs:      in("ciphertexts_upload", "inputs.hepex"),
		outputs:     in("ciphertexts_download", "outputs.hepex"),
		scores:      in("intermediate", "scores.csv"),
		predictions: in("encrypted_model_predictions.txt"),
	}
}

// packModels is server_preprocess_model: it encodes all networks, as it is not told the size.
func packModels(build string) error {
	for _, network := range networks {
		dir := filepath.Join(build, network)
		n, err := serve.ReadNetwork(dir)
		if err != nil {
			return err
		}
		if err := n.Write(dir); err != nil {
			return err
		}
	}
	return nil
}
