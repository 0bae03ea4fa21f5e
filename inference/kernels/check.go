package kernels

import (
	"fmt"
	"os"
	"strings"
)

// variable names an implementation that is to be used.
const variable = "HEPEX_KERNELS"

// Check tells whether HEPEX_KERNELS is usable: a value that names no implementation is an error; for one that this
// machine lacks, which leaves the next one, there is a warning.
func Check() (warning string, err error) {
	v := os.Getenv(variable)
	if v == "" {
		return "", nil
	}
	var names []string
	for _, k := range implementations {
		if v != k.name {
			names = append(names, k.name)
			continue
		}
		if !k.supported {
			warning = fmt.Sprintf("%s=%s: this machine has no %s: %s kernels compute", variable, v, k.needs, choose())
		}
		return warning, nil
	}
	return "", fmt.Errorf("%s=%q: want %s, or nothing for the fastest that this machine has", variable, v, strings.Join(names, " or "))
}
