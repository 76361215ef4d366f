package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"portolan/internal/store"
	"portolan/policy"
)

// PolicyDocument is the row of the document of a policy version. It has a key of its own: a list of versions reads none.
type PolicyDocument struct {
	Document string `json:"Document"`
}

func documentKey(account, coreNetwork string, version int32) Key[*PolicyDocument] {
	return Key[*PolicyDocument]{accountKey(account, "core-network-document", coreNetwork, newestFirst(version))}
}

// Document is the document of a version.
func (v *View) Document(network *CoreNetwork, version int32) (string, bool) {
	row, ok := policyDocuments.Get(v, documentKey(network.OwnerAccountId, network.CoreNetworkId, version))
	if !ok {
		return "", false
	}
	return row.Document, true
}

// PutVersion stores a new version with its document.
func (tx *Txn) PutVersion(network *CoreNetwork, version *PolicyVersion, document *Document) {
	version.Digest = document.Digest
	policyDocuments.PutEncoded(tx, documentKey(network.OwnerAccountId, network.CoreNetworkId, *version.PolicyVersionId), document.stored())
	PolicyVersions.Save(tx, PolicyVersions.Key(network.OwnerAccountId, network.CoreNetworkId, *version.PolicyVersionId), version)
}

// Document is a policy document that has been read.
type Document struct {
	Text   string
	Digest string // SHA-256, in hexadecimal
	Parsed *policy.Document
	Errors policy.Errors // of reading; Parsed is of no use then

	stored func() store.Encoded[*PolicyDocument] // its row, encoded once
}

// policies keeps documents that were read and policies that were compiled of them. What it keeps is found by the digest
// of the text, so it is never wrong; the bounds only limit memory.
type policies struct {
	parse func(document []byte) (*policy.Document, policy.Errors)

	mu        sync.Mutex
	bytes     int
	documents map[string]*Document
	compiled  map[string][]compiledPolicy // by digest
	count     int
}

// compiledPolicy is a document compiled over edges.
type compiledPolicy struct {
	over   []CoreNetworkEdge
	policy *policy.Policy
	errs   policy.Errors
}

const (
	maxDocumentBytes = 16 << 20 // of texts that are kept read
	maxCompiled      = 64
)

// ReadPolicy reads a document, once as long as it is kept. It is ready to be stored.
func (db *DB) ReadPolicy(text string) *Document {
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	d, ok := db.policies.document(digest)
	if !ok {
		d = db.policies.read(text, digest)
	}
	d.stored()
	return d
}

func (p *policies) document(digest string) (*Document, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.documents[digest]
	return d, ok
}

func (p *policies) read(text, digest string) *Document {
	d := &Document{Text: text, Digest: digest}
	d.Parsed, d.Errors = p.parse([]byte(text))
	d.stored = sync.OnceValue(func() store.Encoded[*PolicyDocument] { return policyDocuments.Encode(&PolicyDocument{Document: text}) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.documents == nil || p.bytes+len(text) > maxDocumentBytes {
		p.documents, p.bytes = map[string]*Document{}, 0
	}
	p.documents[digest] = d
	p.bytes += len(text)
	return d
}

// ReadVersion is the document of a stored version, read once as long as it is kept.
func (v *View) ReadVersion(network *CoreNetwork, version *PolicyVersion) *Document {
	if d, ok := v.db.policies.document(version.Digest); ok {
		return d
	}
	text, _ := v.Document(network, *version.PolicyVersionId)
	return v.db.policies.read(text, version.Digest)
}

// Allocated is what the edges that exist have, as a policy is compiled over it.
func Allocated(edges []CoreNetworkEdge) policy.Previous {
	previous := policy.Previous{}
	for _, e := range edges {
		edge := policy.Edge{Location: e.EdgeLocation, ASNWritten: e.AsnWritten}
		if e.Asn != nil {
			edge.ASN = uint32(*e.Asn)
		}
		for _, cidr := range e.InsideCidrBlocks {
			edge.InsideCIDRs = append(edge.InsideCIDRs, netip.MustParsePrefix(cidr))
		}
		previous[e.EdgeLocation] = edge
	}
	return previous
}

// Compile compiles a document over the edges that exist, once as long as it is kept.
func (db *DB) Compile(d *Document, edges []CoreNetworkEdge) (*policy.Policy, policy.Errors) {
	if len(d.Errors) > 0 {
		return nil, d.Errors
	}
	p := &db.policies
	p.mu.Lock()
	for _, c := range p.compiled[d.Digest] {
		if slices.EqualFunc(c.over, edges, sameEdge) {
			p.mu.Unlock()
			return c.policy, c.errs
		}
	}
	p.mu.Unlock()
	c := compiledPolicy{over: edges}
	c.policy, c.errs = policy.Compile(d.Parsed, Allocated(edges))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.compiled == nil || p.count >= maxCompiled {
		p.compiled, p.count = map[string][]compiledPolicy{}, 0
	}
	p.compiled[d.Digest] = append(p.compiled[d.Digest], c)
	p.count++
	return c.policy, c.errs
}

func sameEdge(a, b CoreNetworkEdge) bool {
	return a.EdgeLocation == b.EdgeLocation && a.AsnWritten == b.AsnWritten && (a.Asn == nil) == (b.Asn == nil) && (a.Asn == nil || *a.Asn == *b.Asn) &&
		slices.Equal(a.InsideCidrBlocks, b.InsideCidrBlocks)
}

// Compile is [DB.Compile].
func (v *View) Compile(d *Document, edges []CoreNetworkEdge) (*policy.Policy, policy.Errors) {
	return v.db.Compile(d, edges)
}

// LivePolicy is the compiled LIVE policy of a core network; false before the first execution. Its edges are those that it
// made.
func (v *View) LivePolicy(network *CoreNetwork) (*policy.Policy, bool) {
	if network.LiveVersion == 0 {
		return nil, false
	}
	version, ok := PolicyVersions.Get(v, PolicyVersions.Key(network.OwnerAccountId, network.CoreNetworkId, network.LiveVersion))
	if !ok {
		return nil, false
	}
	compiled, errs := v.Compile(v.ReadVersion(network, version), network.Edges)
	if len(errs) > 0 {
		v.db.log.Error("the LIVE policy no longer compiles", "core_network", network.CoreNetworkId, "version", network.LiveVersion,
			"error", fmt.Sprint(errs[0].Message))
		return nil, false
	}
	return compiled, true
}
