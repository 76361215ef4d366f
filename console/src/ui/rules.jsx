// Rules shows what attachment policies decided about an attachment, rule by rule.
import {State} from './basics.jsx'

export function Rules({of: y}) {
	return <>
		<ol class="list">{y.rules.map((r) => <li key={r.ruleNumber} class={'finding' + (r.matched ? ' held' : '')}>
			<strong>Rule {r.ruleNumber}</strong>{r.line > 1 ? `, line ${r.line}` : ''}: <State of={r.matched ? 'yes' : 'none'}>{r.matched ? 'matches' : 'does not match'}</State> <bdi>{r.outcome}</bdi>
			<ul class="steps">{r.conditions.map((c, i) => <li key={i}>{c.held ? '✓' : '✕'} <bdi>{c.test}</bdi>{c.found ? <>: it has <bdi>{c.found}</bdi></> : ''}</li>)}</ul>
		</li>)}</ol>
		{y.rules.length === 0 && <p class="empty">The policy has no attachment rules.</p>}
		<p>{y.segment ? <>Segment <strong><bdi>{y.segment}</bdi></strong></> : y.networkFunctionGroup ? <>Network function group <strong><bdi>{y.networkFunctionGroup}</bdi></strong></> : 'Not associated'}
			{y.ruleNumber ? `, by rule ${y.ruleNumber}` : ''}{y.requireAcceptance ? '; acceptance is required' : ''}{y.occupiedBy ? `; the group already has ${y.occupiedBy} there` : ''}.
			{y.notTried.length ? ` Not tried: ${y.notTried.join(', ')}.` : ''}</p>
	</>
}
