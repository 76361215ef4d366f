package policy

import "strings"

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
	sendToShape      = shapeOf("action!", "description", "segment!", "when-sent-to", "via!")
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
