package policy

import (
	"slices"
	"strings"
)

// shape is what members an object has, in the order in which they are best read.
type shape struct {
	keys     []string
	required []string
}

// shapeOf makes a shape; a name with an exclamation mark is required.
func shapeOf(keys ...string) *shape {
	s := &shape{}
	for _, key := range keys {
		key, required := strings.CutSuffix(key, "!")
		s.keys = append(s.keys, key)
		if required {
			s.required = append(s.required, key)
		}
	}
	return s
}

var (
	documentShape = shapeOf("version!", "core-network-configuration!", "segments!", "network-function-groups",
		"segment-actions", "attachment-policies", "routing-policies", "attachment-routing-policy-rules")
	configurationShape = shapeOf("vpn-ecmp-support", "dns-support", "security-group-referencing-support",
		"inside-cidr-blocks", "asn-ranges!", "edge-locations!")
	edgeLocationShape = shapeOf("location!", "asn", "inside-cidr-blocks")
	segmentShape      = shapeOf("name!", "description", "edge-locations", "require-attachment-acceptance",
		"isolate-attachments", "deny-filter", "allow-filter")
	groupShape = shapeOf("name!", "description", "require-attachment-acceptance")

	attachmentPolicyShape = shapeOf("rule-number!", "description", "condition-logic", "conditions!", "action!")
	anyAssociationShape   = shapeOf("association-method!", "segment", "tag-value-of-key", "add-to-network-function-group", "require-acceptance")
	constantShape         = shapeOf("association-method!", "segment!", "require-acceptance")
	tagShape              = shapeOf("association-method!", "tag-value-of-key!", "require-acceptance")
	intoGroupShape        = shapeOf("add-to-network-function-group!", "require-acceptance")

	shareShape       = shapeOf("action!", "description", "mode!", "segment!", "share-with!", "routing-policy-names")
	createRouteShape = shapeOf("action!", "description", "segment!", "destination-cidr-blocks!", "destinations!")
	sendViaShape     = shapeOf("action!", "description", "segment!", "mode!", "when-sent-to", "via!")
	sendToShape      = shapeOf("action!", "description", "segment!", "via!")
	associateShape   = shapeOf("action!", "description", "segment!", "edge-location-association!")

	exceptShape     = shapeOf("except!")
	whenSentToShape = shapeOf("segments!")
	viaShape        = shapeOf("network-function-groups!", "with-edge-overrides")
	overrideShape   = shapeOf("edge-sets!", "use-edge-location!")
	betweenShape    = shapeOf("edge-location!", "peer-edge-location!", "routing-policy-names!")

	routingPolicyShape = shapeOf("routing-policy-name!", "routing-policy-description", "routing-policy-direction!",
		"routing-policy-number!", "routing-policy-rules!")
	routingRuleShape = shapeOf("rule-number!", "rule-definition!")
	definitionShape  = shapeOf("match-conditions!", "condition-logic!", "action!")
	typeValueShape   = shapeOf("type!", "value!")
	typeShape        = shapeOf("type!")

	labelRuleShape   = shapeOf("rule-number!", "description", "edge-locations", "conditions!", "action!")
	labelActionShape = shapeOf("associate-routing-policies!")
)

// conditionShapes are the members of each type of condition.
var conditionShapes = map[string]*shape{
	"any":             shapeOf("type!"),
	"tag-exists":      shapeOf("type!", "key!"),
	"tag-name":        shapeOf("type!", "key!"),
	"tag-value":       shapeOf("type!", "operator!", "key!", "value!"),
	"region":          shapeOf("type!", "operator!", "value!"),
	"attachment-type": shapeOf("type!", "operator!", "value!"),
	"account-id":      shapeOf("type!", "operator!", "value!"),
	"resource-id":     shapeOf("type!", "operator!", "value!"),
}

// instead holds what the service takes where the user guide, or an old example, says something else.
var instead = map[string]string{
	"use-edge": "use-edge-location",
	"account":  "account-id",
}

// didYouMean is the hint for a word that is not among the known ones, "" when none is close.
func didYouMean(word string, known []string) string {
	near := instead[word]
	if !slices.Contains(known, near) {
		near = nearest(word, known)
	}
	if near == "" {
		return ""
	}
	return "did you mean " + clip(near) + "?"
}

// nearest is the known word a misspelt one is closest to, "" when none is close. One letter is close to any other.
func nearest(word string, known []string) string {
	best, bestDistance := "", min(3, len(word))
	for _, k := range known {
		if d := distance(word, k, bestDistance); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the edits between two short words, as long as they are fewer than limit.
func distance(a, b string, limit int) int {
	const short = 64
	if len(a) > short || len(b) > short || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var row [short + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
