package event

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
)

// idEncoding is lower-case base32 without padding: 16 bytes become 26 characters
// that survive URLs, file names and NATS subjects.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns an id for an event that nothing on the wire identifies: 128
// random bits.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return idEncoding.EncodeToString(b[:])
}

// DeriveID returns the id that the same report of the same source always gets:
// a hash of its parts, which are what the vendor repeats on a retry.
func DeriveID(parts ...string) string {
	sum := Hash(parts...)
	return idEncoding.EncodeToString(sum[:])
}

// Key is a 128-bit hash, small enough to remember by the million.
type Key [16]byte

// Hash returns a 128-bit hash of parts; it differs when the parts are cut
// differently ("a","bc" against "ab","c").
func Hash(parts ...string) Key {
	size := 0
	for _, p := range parts {
		size += len(p) + binary.MaxVarintLen32
	}
	var stack [512]byte
	buf := stack[:0]
	if size > len(stack) {
		buf = make([]byte, 0, size)
	}
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p)))
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	return Key(sum[:16])
}

// PartID is the id of the k-th request, counted from 0, of an event that an
// outbound dialect can only say in several.
func PartID(id string, k int) string { return id + "." + strconv.Itoa(k) }
