package trial

// Turns lets processes that measure different points share a machine, one at a time.
type Turns interface {
	// Admit waits until so many bytes may be used, before anything is encrypted.
	Admit(peak int64) error
	// Next waits until the next evaluation may begin. Stay asks for another one after it, even if there would be enough.
	Next() (stay bool, err error)
}

// alone never waits.
type alone struct{}

func (alone) Admit(int64) error   { return nil }
func (alone) Next() (bool, error) { return false, nil }
