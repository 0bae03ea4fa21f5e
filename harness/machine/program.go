package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"sync"
)

// BinaryVariable names the environment variable by which a runner tells its children the hash of the program, so that it is
// read once a run.
const BinaryVariable = "HEPEX_BINARY_SHA256"

// Program is the path of the program that runs, whatever is built meanwhile where it was started from: all processes of a run
// are to be the same program.
const Program = "/proc/self/exe"

// binary is the SHA-256 of the program in hexadecimal digits, empty if it cannot be read: it tells apart what a commit does
// not, such as an edited tree or another compiler.
var binary = sync.OnceValue(func() string {
	if sum, ok := os.LookupEnv(BinaryVariable); ok {
		return sum
	}
	sum, err := hashFile(Program)
	if err != nil {
		return ""
	}
	return sum
})

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ForChildren is what a runner adds to the environment of its children.
func ForChildren() []string {
	return []string{CommitVariable + "=" + commitForChildren(), BinaryVariable + "=" + binary()}
}
