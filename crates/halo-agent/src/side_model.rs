//! Plain questions to a model for tools that are not the agents' own, such as code that the model wrote: within the run's budget,
//! recorded, and never asked twice.

use std::sync::{Arc, Weak};

use halo_protocol::{Message, RequestPurpose};

use crate::budget::Share;
use crate::prompt;
use crate::runtime::{Question, Runtime};

/// Asks the small model of a run. Cheap to clone; it does not keep the run alive.
#[derive(Clone)]
pub struct SideModel {
    runtime: Weak<Runtime>,
}

impl SideModel {
    pub(crate) fn new(runtime: &Arc<Runtime>) -> Self {
        Self { runtime: Arc::downgrade(runtime) }
    }

    /// The answer to a prompt, in the name of the agent that asks.
    ///
    /// # Errors
    /// Says to the model why there is none: the budget, an interrupt, or what failed.
    pub async fn ask(&self, agent_id: &str, text: &str) -> Result<String, String> {
        let Some(runtime) = self.runtime.upgrade() else {
            return Err("the run has ended".to_owned());
        };
        let messages = [Message::System { content: prompt::side() }, Message::User { content: text.to_owned() }];
        let question = Question {
            purpose: RequestPurpose::Code,
            turn: 0,
            messages: &messages,
            tools: &[],
            schema: None,
            share: Share::Work,
        };
        let agent = runtime.agent(agent_id);
        match runtime.ask_once(&agent, question).await {
            Ok((reply, _)) => Ok(reply.content),
            Err(error) => Err(error.for_model()),
        }
    }
}
