package record

import "strings"

// Results are the records that have a result, those under insecure parameters apart, and the number of those that have none.
func (s Set) Results() (secure, insecure Set, failed int) {
	for _, r := range s {
		switch {
		case r.Status != OK:
			failed++
		case r.Insecure():
			insecure = append(insecure, r)
		default:
			secure = append(secure, r)
		}
	}
	return secure, insecure, failed
}

// Insecure tells whether the point ran under parameters below 128 bits.
func (r *Record) Insecure() bool { return r.HE != nil && r.HE.Insecure }

// Reason is why a record has no result, on one line; empty if it has one.
func (r *Record) Reason() string {
	switch {
	case r.Status == OK:
		return ""
	case r.Error == nil:
		return "no reason recorded"
	}
	return strings.TrimPrefix(strings.Join(strings.Fields(r.Error.Kind+": "+r.Error.Message), " "), ": ")
}
