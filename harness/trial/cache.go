package trial

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"hepex/harness/atomicfile"
)

// cache keeps results below a folder, which is created with the first of them, under the hash of everything that made them. A damaged entry is
// set aside and counts as missing.
type cache struct{ dir string }

// ErrCacheFolder means that the environment names no folder for the cache.
var ErrCacheFolder = errors.New("trial: no cache folder")

// DefaultCacheDir is hepex below the user's cache folder.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w: want HOME or an absolute XDG_CACHE_HOME", ErrCacheFolder, err)
	}
	return filepath.Join(dir, "hepex"), nil
}

// entryKey names an entry.
type entryKey [sha256.Size]byte

// newKey hashes values that encoding/json writes alike everywhere.
func newKey(parts ...any) entryKey {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(fmt.Sprintf("trial: key of %v: %v", parts, err)) // parts are strings, numbers and plain structs
	}
	return sha256.Sum256(text)
}

func (k entryKey) String() string { return hex.EncodeToString(k[:]) }

func (c cache) path(k entryKey) string {
	return filepath.Join(c.dir, "trained", k.String()[:2], k.String())
}

// get returns the content of an entry.
func (c cache) get(k entryKey) ([]byte, bool, error) {
	file, err := os.ReadFile(c.path(k))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unusable(err)
	}
	content, sum := file[:max(0, len(file)-sha256.Size)], file[max(0, len(file)-sha256.Size):]
	if want := sha256.Sum256(content); !bytes.Equal(sum, want[:]) {
		_ = os.Rename(c.path(k), c.path(k)+".damaged") // a folder in which this fails will not take the entry made again either
		return nil, false, nil
	}
	return content, true, nil
}

// put stores the content of an entry, followed by its SHA-256.
func (c cache) put(k entryKey, content []byte) error {
	sum := sha256.Sum256(content)
	if err := atomicfile.Write(c.path(k), append(content[:len(content):len(content)], sum[:]...)); err != nil {
		return unusable(err)
	}
	return nil
}

// lock keeps other processes from making the entry at the same time, for as long as this one lives. Entries share locks, so
// a process must not hold two. It saves work and no more: where the file system has no locks, an entry is made twice.
func (c cache) lock(k entryKey) (unlock func(), err error) {
	dir := filepath.Join(c.dir, "locks")
	if err := atomicfile.MakeFolder(dir); err != nil {
		return nil, unusable(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, k.String()[:4]), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, unusable(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil && !atomicfile.NoLocks(err) {
		return nil, unusable(errors.Join(err, f.Close()))
	}
	return func() { f.Close() }, nil
}

// remember takes a value from its entry, or makes and keeps it, as JSON.
func remember[T any](c cache, k entryKey, make func() (T, error)) (value T, err error) {
	content, ok, err := c.get(k)
	if err != nil || ok && json.Unmarshal(content, &value) == nil {
		return value, err
	}
	if value, err = make(); err != nil {
		return value, err
	}
	if content, err = json.Marshal(value); err != nil {
		return value, fmt.Errorf("trial: %w", err)
	}
	return value, c.put(k, content)
}

func unusable(err error) error {
	return &Failure{KindCache, fmt.Errorf("the cache cannot be used: %w; XDG_CACHE_HOME moves it", err)}
}
