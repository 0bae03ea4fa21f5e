package datasets

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Found is what files of one's own were found to hold.
type Found struct {
	Form
	SHA256 string // of the one file, or of those of several, each followed by a line feed
}

// foundForm is how a Found is written.
var foundForm = regexp.MustCompile(`^sha256 ([0-9a-f]{64}), ` + strings.Repeat(`([0-9]{1,9})x`, 2) +
	`([0-9]{1,9}), ([0-9]{1,9}) classes, ([0-9]{1,9}) targets, ([0-9]{1,9}) to train, ([0-9]{1,9}) to test$`)

// FoundPattern is a regular expression for what ParseFound reads.
func FoundPattern() string { return foundForm.String() }

// String is f as ParseFound reads it.
func (f Found) String() string {
	return fmt.Sprintf("sha256 %s, %dx%dx%d, %d classes, %d targets, %d to train, %d to test",
		f.SHA256, f.Shape.Height, f.Shape.Width, f.Shape.Channels, f.Classes, f.Targets, f.Train, f.Test)
}

// ParseFound reads what was found before.
func ParseFound(text string) (f Found, err error) {
	m := foundForm.FindStringSubmatch(text)
	if m == nil {
		return f, fmt.Errorf("datasets: %.80q: want what was found in files, such as %v", text, Found{SHA256: strings.Repeat("0", 64)})
	}
	f.SHA256 = m[1]
	for i, n := range []*int{&f.Shape.Height, &f.Shape.Width, &f.Shape.Channels, &f.Classes, &f.Targets, &f.Train, &f.Test} {
		*n, _ = strconv.Atoi(m[2+i]) // nine digits at most
	}
	return f, nil
}
