rows = sql("SELECT * FROM errors")
prompts = [f"Is this transient? {r['message']}" for r in rows]
answers = llm_batch(prompts)
print(len(answers) == len(prompts), answers[0])
print(llm("Summarise: " + answers[0]))
print(view_trace("t03", page=2))
try:
    view_trace("t99")
except HaloError as error:
    print("HaloError:", error)
